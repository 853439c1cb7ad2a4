"""What is scored: real questions where they are at hand, generated ones in their manner where not."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajectories.questions.catalogue import known_tasks, preamble_text
from trajectories.questions.files import read_rows
from trajectories.questions.question import Question
from trajectories.questions.rows import to_questions
from trajectories.questions.task import Task
from trajectories.study.protocol import PRESETS

HARNESS = PRESETS["harness"]
NAMES = ("truthfulqa", "memo_trap", "ten_shot")
TEN_SHOT_QUESTIONS = 315  # as many as hindsight neglect has
PEOPLE = ("Ada", "Bruno", "Chitra", "Dmitri", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Keiko", "Lars")


@dataclass(frozen=True)
class Workload:
    """Questions that share one prefix tree, and what stands between their contexts and choices."""

    name: str
    questions: dict[str, list[Question]]
    delimiters: dict[str, str]

    @property
    def pairs(self) -> list[tuple[str, int, int]]:
        """(task, question, choice) of every request, in order."""
        return [
            (task, number, choice)
            for task, questions in self.questions.items()
            for number, question in enumerate(questions)
            for choice in range(len(question.choices))
        ]

    def text(self, task: str, number: int, choice: int) -> tuple[str, str]:
        """Return (context, delimiter + choice) of one request."""
        question = self.questions[task][number]
        return question.context, self.delimiters[task] + question.choices[choice]


def workload(name: str, data: Path, seed: int = 0) -> Workload:
    """Return a workload by name; `data` is the folder with truthfulqa/, memo_trap/ and tokenizer/."""
    if name == "truthfulqa":
        return truthfulqa(data)
    if name == "memo_trap":
        rows = [row for part in sorted((data / "memo_trap").glob("*.csv")) for row in read_rows(part)]
        return Workload(name, {name: to_questions(rows, Task(name=name, file="x.csv"), HARNESS)}, {name: ""})
    if name == "ten_shot":
        return Workload(name, {name: ten_shot(TEN_SHOT_QUESTIONS, seed)}, {name: ""})
    raise KeyError(name)


def truthfulqa(data: Path) -> Workload:
    """MC1 and MC2 of all 817 questions, with the fixed preamble, as the catalogue has them."""
    rows = read_rows(data / "truthfulqa" / "mc_task.json")
    tasks = [known_tasks()[f"truthfulqa_{kind}"] for kind in ("mc1", "mc2")]
    local = [task.model_copy(update=_of_mappings(f"{task.metric}_targets")) for task in tasks]
    preamble = preamble_text(str(tasks[0].preamble))
    return Workload(
        "truthfulqa",
        {task.name: to_questions(rows, task, HARNESS, preamble) for task in local},
        {task.name: task.delimiter for task in local},
    )


def _of_mappings(column: str) -> dict[str, str]:
    """Return how the file's own form is read, where choices are the keys of a mapping and labels its values."""
    return {"choices": f"{{{{{column} | list}}}}", "labels": f"{{{{{column}.values() | list}}}}"}


def ten_shot(questions: int, seed: int) -> list[Question]:
    """Bets with a known expectation, each question after ten solved ones of its own; about 650 tokens each."""
    draw = random.Random(seed)
    return [_ten_shot(draw) for _ in range(questions)]


def _ten_shot(draw: random.Random) -> Question:
    bets = [_bet(draw) for _ in range(11)]
    examples = [f"{text} {answer}" for text, answer in bets[:-1]]
    text, answer = bets[-1]
    return Question("\n\n\n".join([*examples, text]), (" Y", " N"), (int(answer == "Y"), int(answer == "N")))


def _bet(draw: random.Random) -> tuple[str, str]:
    """Return (a bet told as a story, whether it was right in expectation)."""
    name, chance = draw.choice(PEOPLE), draw.randrange(5, 100, 5)
    loss, gain = draw.randrange(5, 1000, 5), draw.randrange(5, 1000, 5)
    right = gain * (100 - chance) > loss * chance
    outcome = f"won {gain}" if draw.random() < 0.5 else f"lost {loss}"
    story = (
        f"Q: {name} is offered a wager: {chance} times out of 100 it costs {loss} dollars, and {100 - chance} times "
        f"out of 100 it pays {gain} dollars. {name} said yes and {outcome} dollars. Was yes the better answer?\nA:"
    )
    return story, "Y" if right else "N"


def sizes(values: Sequence[int]) -> str:
    """Return 'smallest to largest' of some counts."""
    return f"{min(values)} to {max(values)}"


def pythia_tokenizer(data: Path) -> Any:
    """Return the tokenizer of every Pythia model, from its file."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_file=str(data / "tokenizer" / "20B_tokenizer.json"),
        bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
    )

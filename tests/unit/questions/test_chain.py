"""Worked examples with a reasoning before each question."""

import json
from pathlib import Path
from typing import Any

import pytest

from trajectories.errors import UserError
from trajectories.questions.catalogue import known_tasks
from trajectories.questions.chain import Chain, examples_of, known_chains, with_chain
from trajectories.questions.question import Question
from trajectories.questions.shots import JOINER
from trajectories.questions.stage import questions_of
from trajectories.questions.task import Task
from trajectories.study.known import as_task
from trajectories.study.protocol import Protocol

PRIZE = [
    "hindsight_neglect", "into_the_unknown", "memo_trap", "modus_tollens", "neqa", "pattern_matching_suppression",
    "redefine", "repetitive_algebra", "resisting_correction", "sig_figs", "prompt_injection",
]  # fmt: skip
ROWS = [{"question": "Is 2 even?\nAnswer:", "reasoning": "2 is twice 1.", "answer": "Yes"},
        {"question": "Is 3 even?\nAnswer:", "reasoning": "3 is no twice.", "answer": "No."}]  # fmt: skip
ASKED = Question("Is 5 even?\nAnswer: ", (" Yes", " No"), (0, 1))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "examples.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


def test_examples_reason_before_they_answer(file: Path) -> None:
    (made,) = with_chain([ASKED], Chain(examples=str(file), lead="Think."))
    first = "Is 2 even?\nAnswer:\nThink. 2 is twice 1. So the answer is Yes."
    second = "Is 3 even?\nAnswer:\nThink. 3 is no twice. So the answer is No."
    assert made.context == JOINER.join([first, second, "Is 5 even?\nAnswer:\nThink."])
    assert (made.choices, made.labels) == (ASKED.choices, ASKED.labels)


@pytest.mark.parametrize("name", PRIZE)
def test_there_are_three_for_each_task_of_the_prize(name: str) -> None:
    examples = examples_of(Chain(examples=name))
    assert len(examples) == 3
    assert len(examples_of(Chain(examples=name, count=1))) == 1
    assert len({example.question for example in examples}) == 3
    assert not any("\n\n" in text for e in examples for text in (e.question, e.reasoning, e.answer))
    assert name in known_tasks()


def test_the_pattern_finds_the_answer_of_every_example() -> None:
    task = Task.checked(as_task({"task": "neqa", "chain": {"examples": "neqa"}}), "config")
    assert task.written is not None
    for name in known_chains():
        for example in examples_of(Chain(examples=name)):
            answer = task.written.answer_in(example.text("Think."))
            assert task.written.choice_of(answer, (example.answer,)) == 0


@pytest.mark.parametrize(
    "context", ["  is 2   EVEN?\nanswer:", "Q: Is 2 even? Answer: Yes Q: Is 5 even? Answer:", "is 2 even?"]
)
def test_an_example_that_is_a_question_of_the_task_is_refused(file: Path, context: str) -> None:
    known = Question(context, ("a", "b"), (1, 0))
    with pytest.raises(UserError, match=r"example 0 of .*examples\.jsonl is question 1 of the task"):
        with_chain([ASKED, known], Chain(examples=str(file)))


@pytest.mark.parametrize(
    ("rows", "count", "said"),
    [
        (ROWS, 3, "has 2 examples; 3 are asked for"),
        ([{"question": "q", "answer": "a"}], None, "example 0 has no text in its column 'reasoning'"),
        ([{"question": "q", "reasoning": "", "answer": "a"}], None, "example 0 has no text in its column 'reasoning'"),
    ],
)
def test_examples_that_are_none(tmp_path: Path, rows: list[dict[str, str]], count: int | None, said: str) -> None:
    path = tmp_path / "examples.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(UserError, match=said):
        examples_of(Chain(examples=str(path), count=count))


def record(**keys: Any) -> Task:
    return Task.checked({"name": "t", "generator": "neqa", "chain": {"examples": "neqa"}, **keys}, "config")


def test_a_record_with_a_chain_is_written() -> None:
    task = record(answer={"by": "generation", "new_tokens": 9})
    assert task.written is not None
    assert (task.written.new_tokens, "So the answer is" in task.written.pattern) == (9, True)
    assert Task.model_validate_json(task.canonical()) == task
    known = Task.checked(as_task({"task": "modus_tollens", "chain": {"examples": "modus_tollens", "count": 1}}), "")
    assert known.true == "{{answer_index}}"
    with pytest.raises(UserError, match="give either shots or chain"):
        record(shots=2)
    with pytest.raises(UserError, match=r"is neither a file nor known; did you mean 'neqa'\?"):
        record(chain={"examples": "neqas"})


def test_the_questions_stage_puts_examples_first_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"prompt": "Is 5 even?", "classes": [" Yes", " No"], "answer_index": 1}))
    task = record(generator=None, file=str(path), chain={"examples": "neqa", "count": 1})
    (question,), origin = questions_of(task, Protocol())
    assert question.context.endswith(JOINER + "Is 5 even?\nLet's think step by step.")
    assert question.labels == (0, 1)
    assert (origin["chain"], origin["shots"]) == ("neqa", "1")
    assert task.files == [str(path)]

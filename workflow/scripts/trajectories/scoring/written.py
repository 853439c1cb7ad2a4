"""Answers written out under one checkpoint: texts, the answers in them, and scores that say which choice was said."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from trajectories.errors import UserError
from trajectories.questions.question import Question
from trajectories.questions.written import NO_ANSWER, Written
from trajectories.scoring.score_columns import COLUMNS, TYPES
from trajectories.scoring.scores import empty_scores

if TYPE_CHECKING:
    from trajectories.scoring.generation import Progress, Writer
    from trajectories.scoring.requests import Requests

TEXTS = {"task": "str", "question": "int32", "text": "str", "answer": "str", "right": "bool", "tokens": "int32"}
"""Columns of the texts kept; `answer` is missing where a text holds none, `right` where the harness is still to judge
it or its metric says no such thing of one text; `tokens` counts those of the text."""


@dataclass(frozen=True)
class Asked:
    """What a requests file says of a task whose answers are written: how, and each question's choices and labels."""

    how: Written
    choices: tuple[tuple[str, ...], ...]
    labels: tuple[tuple[int, ...], ...]
    judged: bool = False  # later, by the evaluation harness: no answer is looked for in a text

    def as_text(self) -> str:
        """Return it as JSON."""
        if self.judged:
            return json.dumps({"how": self.how.model_dump(), "judged": True})
        return json.dumps({"how": self.how.model_dump(), "choices": self.choices, "labels": self.labels})

    @classmethod
    def from_text(cls, text: str) -> "Asked":
        """Return what `as_text` wrote."""
        read = json.loads(text)
        if read.get("judged"):
            return cls(Written.model_validate(read["how"]), (), (), judged=True)
        choices, labels = (tuple(map(tuple, read[key])) for key in ("choices", "labels"))
        return cls(Written.model_validate(read["how"]), choices, labels)


def asked_of(how: Written, questions: Sequence[Question], task: str) -> Asked:
    """Return how the questions of a task are asked. Raises `UserError` for one that is not asked after one context."""
    for number, question in enumerate(questions):
        if question.running or question.contexts is not None or len(question.choices) < 2:
            what = "is a running text" if question.running else (
                "has a context for each choice" if question.contexts is not None else "has 1 choice"
            )  # fmt: skip
            raise UserError(
                f"task {task}, question {number}: {what}; an answer by generation is one of several choices"
            )
    return Asked(how, tuple(q.choices for q in questions), tuple(q.labels for q in questions))


def asked_by_harness(metadata: Mapping[str, str]) -> Asked:
    """Return how the questions of a task of the harness are asked, from what their file says."""
    told = json.loads(metadata["origin"])["generation"]
    return Asked(Written.model_validate_json(told), (), (), judged=True)


@dataclass(frozen=True)
class Decoder:
    """How token ids become text: a `tokenizers` tokenizer as JSON, so that no tokenizer's files are needed to score."""

    text: str

    @cached_property
    def _own(self) -> Any:
        return Tokenizer.from_str(self.text)

    def __call__(self, ids: list[int]) -> str:
        """Return the text of token ids, without special tokens."""
        return str(self._own.decode(ids, skip_special_tokens=True))


def decoder_of(tokenizer: Any) -> str:
    """Return the text of a tokenizer's `Decoder`. Raises `UserError` where it is of the slow kind."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UserError("answer: {by: generation} needs a tokenizer with a tokenizer.json, which this one has not")
    return str(backend.to_str())


def end_of(tokenizer: Any) -> str:
    """Return the token with which a tokenizer ends a text, and how that is written, as JSON; null where it has none."""
    end = tokenizer.eos_token_id
    return json.dumps(None if end is None else [int(end), str(tokenizer.decode([end], skip_special_tokens=False))])


def write_answers(
    writer: "Writer",
    requests: "Requests",
    asked: Asked,
    progress: "Progress" = lambda count: None,
    end: str = "null",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the scores of one task's questions, and its texts (columns `TEXTS`), in the order of questions.

    The scores have no log-likelihoods: of a question's choices the one that the text says is greedy, and one more
    choice, the last, is so where the text holds no answer. Texts that the harness judges have no scores, and end as it
    ends them: with the model's end token or with the tokenizer's, which `end` tells (`end_of`). Raises `UserError` as
    `Writer.write` does.
    """
    from trajectories.scoring.generation import Length

    length = Length(asked.how.new_tokens, tuple(asked.how.stop))
    if asked.judged:
        ends = json.loads(end)
        length = replace(length, named="its YAML's max_gen_toks", ends=(ends[0],) if ends else (), with_end=True)
    made = writer.write([requests.ids(k).tolist() for k in range(len(requests))], length, progress)
    task = requests.tasks[int(requests.task[0])]
    places = np.argsort(requests.question, kind="stable")
    if asked.judged:
        how = asked.how if not ends else asked.how.model_copy(update={"stop": [*asked.how.stop, ends[1]]})
        cut = [(int(requests.question[k]), made[k], how.cut(writer.decode(made[k]))) for k in places]
        return empty_scores(), _unjudged(task, cut)
    texts = [(int(requests.question[k]), made[k], length.cut(writer.decode(made[k]))) for k in places]
    answers = [asked.how.answer_in(text) for _, _, text in texts]
    said = [asked.how.choice_of(a, asked.choices[q]) for a, (q, _, _) in zip(answers, texts, strict=True)]
    rows = [
        row
        for (question, _, _), answer, choice in zip(texts, answers, said, strict=True)
        for row in _score_rows(task, question, asked, answer, choice)
    ]
    scores = pd.DataFrame(rows, columns=list(COLUMNS)).astype(TYPES | {"task": object})
    kept = pd.DataFrame(
        {
            "task": task,
            "question": [question for question, _, _ in texts],
            "text": [text for _, _, text in texts],
            "answer": answers,
            "right": [
                choice is not None and asked.labels[question][choice] == 1
                for choice, (question, _, _) in zip(said, texts, strict=True)
            ],
            "tokens": [len(ids) for _, ids, _ in texts],
        }
    )
    return scores, kept.astype({name: kind for name, kind in TEXTS.items() if kind != "str"})


def _unjudged(task: str, texts: Sequence[tuple[int, list[int], str]]) -> pd.DataFrame:
    """Return the table of texts in which nobody has looked for an answer yet."""
    rows = [(task, question, text, None, None, len(ids)) for question, ids, text in texts]
    kinds = {name: kind for name, kind in TEXTS.items() if kind != "str"}
    return pd.DataFrame(rows, columns=list(TEXTS)).astype(kinds | {"right": "boolean"})


def _score_rows(
    task: str, question: int, asked: Asked, answer: str | None, choice: int | None
) -> list[tuple[object, ...]]:
    nothing, texts = float("nan"), (*asked.choices[question], NO_ANSWER)
    labels = (*asked.labels[question], 0)
    said = len(texts) - 1 if answer is None else choice
    return [
        (task, question, place, label, nothing, 0, len(text), len(text.encode()), len(text.split()), place == said,
         nothing, False)
        for place, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]  # fmt: skip


def empty_texts() -> pd.DataFrame:
    """Return texts without rows, in the right types."""
    return pd.DataFrame(columns=list(TEXTS)).astype({name: k for name, k in TEXTS.items() if k != "str"})


def asked_in(header: Mapping[str, str]) -> dict[str, Asked]:
    """Return the written tasks that the metadata of a requests file tells of."""
    return {name: Asked.from_text(text) for name, text in json.loads(header.get("written", "{}")).items()}

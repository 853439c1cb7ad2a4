"""Ten texts of each task whose answers are written, under a few checkpoints: what right and wrong look like."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajectories.questions.question import Question
from trajectories.questions.stored import read_questions
from trajectories.tables import COLUMNS, write_table

SHOWN = 10
"""Questions of a task, from its first to its last evenly apart; the same under every checkpoint."""


def write_texts(
    *,
    checkpoints: Sequence[tuple[str, int]],
    generations: Sequence[Path | str],
    questions: Mapping[str, Path | str],
    output: Path | str,
) -> None:
    """Write `texts.tsv`: what checkpoints (model, step), whose texts are in `generations`, wrote to some questions.

    `questions` has the files of the written tasks, whose order is kept.
    """
    asked = {task: read_questions(path) for task, path in questions.items()}
    read = [pd.read_parquet(path) for path in generations]
    rows = [
        row
        for task, own in asked.items()
        for (model, step), texts in zip(checkpoints, read, strict=True)
        for row in _rows(task, own, model, step, texts[texts["task"] == task])
    ]
    write_table(pd.DataFrame(rows, columns=list(COLUMNS["texts"])), output, "texts")


def _rows(task: str, asked: Sequence[Question], model: str, step: int, texts: pd.DataFrame) -> list[dict[str, Any]]:
    wanted = set(np.linspace(0, len(asked) - 1, min(SHOWN, len(asked))).round().astype(int).tolist())
    found = texts[texts["question"].isin(wanted)].sort_values("question")
    return [
        {
            "task": task,
            "model": model,
            "step": step,
            "question": question,
            "context": _one_line(asked[question].context),
            "text": _one_line(text),
            "answer": _one_line(answer) if isinstance(answer, str) else None,
            "truth": _one_line(", ".join(_true(asked[question]))),
            "right": None if pd.isna(right) else bool(right),
        }
        for question, text, answer, right in zip(
            found["question"].tolist(), found["text"], found["answer"], found["right"], strict=True
        )
    ]


def _true(question: Question) -> list[str]:
    return [choice for choice, label in zip(question.choices, question.labels, strict=True) if label]


def _one_line(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")

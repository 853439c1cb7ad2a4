"""The table of tasks: what figures and tables call them, and what guessing would score."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajectories.questions.question import Question, read_questions
from trajectories.questions.task import Task
from trajectories.study.metrics import METRICS
from trajectories.tables import write_table


def chance_level(questions: Sequence[Question], metric: str) -> float | None:
    """Return the metric's expected value when every choice is equally likely; None where guessing has no meaning.

    For accuracies it is the mean share of true choices (one of them must win); for mc2 the same, since each choice
    has the same probability.
    """
    record = METRICS[metric]
    if record.needs not in ("two choices", "unconditional"):
        return None
    shares = [sum(question.labels) / len(question.labels) for question in questions]
    if record.is_share:
        return float(np.mean(shares))
    return float(np.mean([-np.log(share) for share in shares])) if metric == "loss" else None


def write_listing(
    *, tasks: Sequence[str], metrics: Sequence[str], questions: Sequence[Path | str], output: Path | str
) -> None:
    """Write `tasks.tsv` in the study's order. `questions` are the tasks' files, or none for imported accuracies."""
    files: Sequence[Path | str | None] = list(questions) or [None] * len(tasks)
    rows = [
        _row(Task.model_validate_json(task), metric, file)
        for task, metric, file in zip(tasks, metrics, files, strict=True)
    ]
    write_table(pd.DataFrame(rows), output, "tasks")


def _row(task: Task, metric: str, file: Path | str | None) -> dict[str, Any]:
    questions = read_questions(file) if file is not None else None
    return {
        "task": task.name,
        "label": task.title,
        "metric": metric,
        "questions": len(questions) if questions else task.questions,
        "chance": chance_level(questions, metric) if questions else None,
        "description": " ".join(task.description.split()),
        "source": _source(task),
        "licence": task.licence,
        "citation": task.citation,
    }


def _source(task: Task) -> str:
    if (hub := task.data) is not None:
        return "/".join(part for part in (hub.dataset, hub.config, hub.split) if part)
    return task.source or f"generated here ({task.generator})"

"""The table of tasks: what figures and tables call them, and what guessing would score."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajectories.errors import UserError
from trajectories.questions.question import Question, question_metadata, read_questions
from trajectories.questions.rows import check_metric
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
    questions = _checked(task, metric, file) if file is not None else None
    available = question_metadata(file).get("available") if file is not None else None
    return {
        "task": task.name,
        "label": task.title,
        "metric": metric,
        "questions": len(questions) if questions else task.questions,
        "available": available if available is not None else task.questions,
        "chance": chance_level(questions, metric) if questions else task.chance,
        "description": " ".join(task.description.split()),
        "source": source_of(task),
        "licence": task.licence,
        "citation": task.citation,
    }


def _checked(task: Task, metric: str, file: Path | str) -> list[Question]:
    """Read a task's questions and refuse a metric, which `statistics.metrics` may name, that they do not allow."""
    questions = read_questions(file)
    for number, question in enumerate(questions):
        try:
            check_metric(question, metric)
        except ValueError as error:
            raise UserError(f"statistics.metrics: {task.name}: question {number} {error}") from error
    return questions


def source_of(task: Task) -> str:
    """Return where a task's questions come from, in a few words."""
    if (hub := task.data) is not None:
        return "/".join(part for part in (hub.dataset, hub.config, hub.split) if part)
    return task.source or (f"generated here ({task.generator})" if task.generator else "imported")

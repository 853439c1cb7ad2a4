"""The table of tasks: what figures and tables call them, and what guessing would score."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajectories.errors import UserError
from trajectories.questions.average import Average
from trajectories.questions.question import Question
from trajectories.questions.rows import check_metric
from trajectories.questions.stored import question_metadata, read_questions
from trajectories.questions.task import Task
from trajectories.study.metrics import record_of
from trajectories.tables import write_table

OF_NO_ANSWER = ("mc2", "accuracy_balanced")
"""Shares that a constant answer's share of the labels does not tell."""


def chance_level(questions: Sequence[Question], metric: str) -> float | None:
    """Return the metric's expected value when every choice is equally likely; None where guessing has no meaning.

    For accuracies it is the mean share of true choices (one of them must win); for mc2 the same, since each choice
    has the same probability.
    """
    record = record_of(metric)
    if record.needs not in ("two choices", "unconditional"):
        return None
    shares = np.array([sum(question.labels) / len(question.labels) for question in questions])
    if metric == "accuracy_balanced":
        places = np.array([question.labels.index(1) for question in questions])
        return float(np.mean([shares[places == place].mean() for place in np.unique(places)]))
    if record.is_share:
        return float(np.mean(shares))
    return float(np.mean([-np.log(share) for share in shares])) if metric == "loss" else None


def constant_levels(questions: Sequence[Question], metric: str) -> list[float]:
    """Return what saying the same choice to every question scores, for each position and each text that all have.

    Nothing where the metric is no share of right answers, or questions differ in how many choices they have.
    """
    widths = {len(question.choices) for question in questions}
    if (
        record_of(metric).needs != "two choices"
        or not record_of(metric).is_share
        or metric in OF_NO_ANSWER
        or len(widths) != 1
    ):
        return []
    found = {float(np.mean([question.labels[place] for question in questions])) for place in range(widths.pop())}
    for text in set(questions[0].choices).intersection(*(question.choices for question in questions)):
        found.add(float(np.mean([question.labels[question.choices.index(text)] for question in questions])))
    return sorted(found)


def write_listing(
    *,
    tasks: Sequence[str],
    averages: Sequence[str] = (),
    metrics: Sequence[str],
    questions: Sequence[Path | str],
    output: Path | str,
) -> None:
    """Write `tasks.tsv`: tasks and then averages, in the study's order.

    `tasks` and `averages` are canonical JSON, `metrics` those of both; `questions` are the tasks' files, or none for
    imported accuracies.
    """
    files: Sequence[Path | str | None] = list(questions) or [None] * len(tasks)
    rows = [
        _row(Task.model_validate_json(task), metric, file)
        for task, metric, file in zip(tasks, metrics[: len(tasks)], files, strict=True)
    ]
    found = {row["task"]: row for row in rows}
    for average, metric in zip(averages, metrics[len(tasks) :], strict=True):
        rows.append(_average_row(Average.model_validate_json(average), metric, found))
    write_table(pd.DataFrame(rows), output, "tasks")


def _row(task: Task, metric: str, file: Path | str | None) -> dict[str, Any]:
    questions = _checked(task, metric, file) if file is not None else None
    metadata = question_metadata(file) if file is not None else {}
    available, origin = metadata.get("available"), json.loads(metadata.get("origin", "{}"))
    return {
        "task": task.name,
        "label": task.title,
        "metric": metric,
        "questions": len(questions) if questions else task.questions,
        "available": available if available is not None else task.questions,
        "chance": chance_level(questions, metric) if questions else task.chance,
        "constants": " ".join(f"{share:.6g}" for share in _constants(task, questions, metric)),
        "shots": int(origin.get("shots", task.shots)),
        "version": " ".join(part for key in ("harness", "version") if (part := origin.get(key))),
        "part_of": task.part_of or "",
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


def _average_row(average: Average, metric: str, tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the row of an average: its tasks' questions together, chance weighted as its value is."""
    parts = [tasks[name] for name in average.tasks]
    sizes, chances = [part["questions"] for part in parts], [part["chance"] for part in parts]
    weights = sizes if average.weight == "questions" else None
    known = None not in chances and (weights is None or None not in weights)
    return {
        "task": average.name,
        "label": average.title,
        "metric": metric,
        "questions": sum(sizes) if None not in sizes else None,
        "available": None,
        "chance": float(np.average(chances, weights=weights)) if known else None,
        "constants": "",
        "shots": None,
        "version": "",
        "part_of": average.part_of or "",
        "description": f"the mean of {len(parts)} tasks, every {average.weight.removesuffix('s')} weighing the same",
        "source": ", ".join(average.tasks),
        "licence": "",
        "citation": "",
    }


def _constants(task: Task, questions: Sequence[Question] | None, metric: str) -> Sequence[float]:
    return constant_levels(questions, metric) if questions else task.constants


def source_of(task: Task) -> str:
    """Return where a task's questions come from, in a few words."""
    if task.harness is not None:
        return f"{task.harness.data} ({task.harness.task})"
    if (hub := task.data) is not None:
        return "/".join(part for part in (hub.dataset, hub.config, hub.split) if part)
    return task.source or (f"generated here ({task.generator})" if task.generator else "imported")

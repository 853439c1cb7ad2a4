"""From the rows of a file or data set to questions, as a task's record and the protocol say."""

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trajectories.errors import UserError
from trajectories.questions.question import Question
from trajectories.questions.task import Task
from trajectories.study.metrics import METRICS
from trajectories.study.protocol import Protocol

Row = Mapping[str, Any]


def to_questions(rows: Iterable[Row], task: Task, protocol: Protocol, preamble: str = "") -> list[Question]:
    """Turn rows into questions.

    Raises `UserError`, naming the task and the row (counted from 0), for a missing column, a value of the wrong
    kind, an answer out of range, or a question that `Question` refuses.
    """
    questions = [_question(row, index, task, protocol, preamble) for index, row in enumerate(rows)]
    if not questions:
        raise UserError(f"task {task.name}: has no questions")
    if task.questions is not None and len(questions) != task.questions:
        raise UserError(
            f"task {task.name}: has {len(questions)} questions, its record says {task.questions}; "
            "the data has changed: pin its revision, or correct `questions` in the record"
        )
    return questions


def _question(row: Row, index: int, task: Task, protocol: Protocol, preamble: str) -> Question:
    try:
        context = preamble + task.template.replace("{context}", _text(_column(row, task.columns.context)))
        choices, labels = _choices(row, task, protocol)
        question = Question(context, choices, labels)
        check_metric(question, task.metric)
        return question
    except (UserError, ValueError) as error:
        raise UserError(f"task {task.name}, row {index}: {error}") from error


def check_metric(question: Question, metric: str) -> None:
    """Raise ValueError where a question has not what the metric needs."""
    needs = METRICS[metric].needs
    if needs in ("two choices", "unconditional") and len(question.choices) < 2:
        raise ValueError(
            f"has 1 choice; at least 2 are needed for the metric {metric}: add choices, or take a metric of one choice "
            f"({', '.join(name for name, record in METRICS.items() if record.needs in ('question', 'any'))})"
        )
    if needs == "question" and question.running:
        raise ValueError(f"is a running text, which the metric {metric} does not take; use bits_per_byte")
    if needs == "running text" and not question.running:
        raise ValueError(f"is no running text, which the metric {metric} needs; use perplexity or bits_per_byte")


def _choices(row: Row, task: Task, protocol: Protocol) -> tuple[tuple[str, ...], tuple[int, ...]]:
    columns = task.columns
    if columns.targets is not None:
        choices, labels = _targets(_column(row, columns.targets))
    else:
        choices = parse_choices(_column(row, columns.choices), protocol.classes)
        if columns.labels is not None:
            labels = tuple(_whole(label) for label in _list(_column(row, columns.labels)))
        else:
            labels = _one_hot(_column(row, columns.answer or ""), len(choices))
    if task.metric == "mc2" and protocol.mc2_labels == "first_zero":
        labels = first_zero_labels(labels)
    return choices, labels


def parse_choices(value: Any, classes: str) -> tuple[str, ...]:
    """Return the choices of a prize row: a list, or the text of one in JSON or Python.

    With `classes="quotes"` a text is cut at its single quotes and every second piece is a choice, as the paper's
    task file did; the two readings differ where a choice holds a quote mark. Raises ValueError.
    """
    if isinstance(value, str) and classes == "quotes":
        pieces = value.split("'")
        if len(pieces) >= 5 and len(pieces) % 2:
            return tuple(pieces[1::2])
    return tuple(_list(value))


def first_zero_labels(labels: Sequence[int]) -> tuple[int, ...]:
    """Return labels that are true up to the first 0 and false from there on (harness v0.3's MC2). Raises ValueError."""
    if 0 not in labels:
        raise ValueError("no choice is labelled 0, so the rule mc2_labels: first_zero cannot split them")
    split = list(labels).index(0)
    return tuple(int(index < split) for index in range(len(labels)))


def _targets(value: Any) -> tuple[tuple[str, ...], tuple[int, ...]]:
    if isinstance(value, str):
        value = _literal(value)
    if isinstance(value, Mapping) and set(value) == {"choices", "labels"}:
        return tuple(value["choices"]), tuple(_whole(label) for label in value["labels"])
    if isinstance(value, Mapping):
        return tuple(value), tuple(_whole(label) for label in value.values())
    raise ValueError(f"targets {value!r:.60} are neither {{choice: label}} nor {{choices: […], labels: […]}}")


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        value = _literal(value)
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r:.60} is not a list")
    return list(value)


def _literal(text: str) -> Any:
    """Read JSON, or a Python literal where it is not JSON."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise ValueError(f"{text!r:.60} is neither a JSON nor a Python list") from None


def _one_hot(answer: Any, choices: int) -> tuple[int, ...]:
    index = _whole(answer)
    if not 0 <= index < choices:
        raise ValueError(f"answer index {index} is out of range for {choices} choices (0 to {choices - 1})")
    return tuple(int(position == index) for position in range(choices))


def _whole(value: Any) -> int:
    try:
        number = int(value)
        if number != float(value):
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a whole number") from None
    return number


def _column(row: Row, name: str) -> Any:
    if name not in row:
        raise ValueError(f"has no column {name!r}; its columns are {', '.join(map(str, row))}")
    return row[name]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"the context {value!r:.60} is not text")
    return value

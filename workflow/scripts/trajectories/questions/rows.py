"""From the rows of a file or data set to questions, as a task's record and the protocol say."""

import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from trajectories.errors import UserError
from trajectories.questions.files import place_of, shown_keys
from trajectories.questions.layouts import fitting_layouts
from trajectories.questions.question import Question
from trajectories.questions.task import Task
from trajectories.questions.templates import UNDEFINED, Row, evaluated, literal, rendered
from trajectories.study.metrics import METRICS, record_of
from trajectories.study.protocol import Protocol

One = TypeVar("One")
Other = TypeVar("Other")

SHOWN = 5
"""Kinds of mistakes of a file that are said one by one."""


def to_questions(rows: Iterable[Row], task: Task, protocol: Protocol, preamble: str = "") -> list[Question]:
    """Turn rows into questions.

    Raises `UserError` with a line for each kind of mistake, naming the task and the first row (counted from 0) that has
    it: a template that fails, a value of the wrong kind, an answer that is not there, what `Question` refuses.
    """
    questions = _each(rows, task.name, lambda row: _question(row, task, protocol, preamble))
    if not questions:
        raise UserError(f"task {task.name}: has no questions")
    if task.questions is not None and len(questions) != task.questions:
        raise UserError(
            f"task {task.name}: has {len(questions)} questions, its record says {task.questions}; "
            "the data has changed: pin its revision, or correct `questions` in the record"
        )
    return questions


def running_texts(rows: Iterable[Row], task: str, each: str) -> list[Question]:
    """Turn rows into running texts; `each` is the template of one. Raises `UserError` as `to_questions` does."""
    texts = _each(rows, task, lambda row: _running_text(row, each))
    if not texts:
        raise UserError(f"task {task}: has no texts")
    return texts


def _each(rows: Iterable[Row], task: str, make: Callable[[Row], Question]) -> list[Question]:
    """Return what `make` makes of every row; raise `UserError` with a line for each kind of mistake."""
    questions: list[Question] = []
    wrong: dict[str, tuple[str, list[str]]] = {}  # by kind: the first message, and all places
    for number, row in enumerate(rows):
        try:
            questions.append(make(row))
        except (UserError, ValueError) as error:
            for message in str(error).splitlines():
                _, places = wrong.setdefault(_kind(message), (message + _by_columns(message, row), []))
                places.append(place_of(number, row))
    if wrong:
        lines = [f"task {task}, {places[0]}: {message}{_as_well(places)}" for message, places in wrong.values()]
        more = [f"task {task}: {len(lines) - SHOWN} more kinds of mistakes"] if len(lines) > SHOWN else []
        raise UserError("\n".join(lines[:SHOWN] + more))
    return questions


def _by_columns(message: str, row: Row) -> str:
    """Return which layouts a row's columns are those of, where one is missing that the record asks for."""
    fitting = fitting_layouts(row) if UNDEFINED in message else []
    return f"; they are those of layout: {' or '.join(fitting)}" if fitting else ""


def _kind(message: str) -> str:
    """Return a message without what is the row's own: quoted text and numbers."""
    return re.sub(r"'.*'|\".*\"|\d+", "", message)


def _as_well(places: Sequence[str]) -> str:
    return f" (and so in {len(places) - 1} more row{'s' if len(places) > 2 else ''})" if len(places) > 1 else ""


def _running_text(row: Row, each: str) -> Question:
    text = rendered(each, row)
    return Question("", (text if text.strip() else "",), (1,), running=True)


def _question(row: Row, task: Task, protocol: Protocol, preamble: str) -> Question:
    choices, context = _both(lambda: _choices(row, task, protocol), lambda: _context(row, task, preamble))
    labels = _labels(row, task, choices)
    if task.metric == "mc2" and protocol.mc2_labels == "first_zero":
        labels = first_zero_labels(labels)
    if isinstance(context, str):
        question = Question(context, choices, labels)
    else:
        question = Question("", choices, labels, context)
    check_metric(question, task.metric)
    return question


def _both(make: Callable[[], One], and_make: Callable[[], Other]) -> tuple[One, Other]:
    """Return what both make; raise ValueError with a line for each that fails, so that neither hides the other."""
    try:
        one = make()
    except ValueError as error:
        try:
            and_make()
        except ValueError as other:
            raise ValueError(f"{error}\n{other}") from error
        raise
    return one, and_make()


def _context(row: Row, task: Task, preamble: str) -> str | tuple[str, ...]:
    """Return the context of a row, or one for each choice."""
    if task.contexts is None:
        return preamble + rendered(task.context or "", row)
    return tuple(preamble + text for text in _texts(task.contexts, row, "contexts"))


def check_metric(question: Question, metric: str) -> None:
    """Raise ValueError where a question has not what the metric needs."""
    needs = record_of(metric).needs
    if question.running and needs not in ("any", "running text"):
        raise ValueError(f"is a running text, which the metric {metric} does not take; use bits_per_byte")
    if needs in ("two choices", "unconditional", "written") and len(question.choices) < 2:
        raise ValueError(
            f"has 1 choice; at least 2 are needed for the metric {metric}: add choices, or take a metric of one choice "
            f"({', '.join(name for name, record in METRICS.items() if record.needs in ('question', 'any'))})"
        )
    if needs == "two prompts" and not asked_twice(question):
        raise ValueError(f"is not two choices after each of two contexts, which {metric} needs; use `layout: logodds`")
    if needs == "running text" and not question.running:
        raise ValueError(f"is no running text, which the metric {metric} needs; use perplexity or bits_per_byte")


def asked_twice(question: Question) -> bool:
    """Say whether the same two choices, one of them true, come after one context and then after another."""
    choices, labels, contexts = question.choices, question.labels, question.contexts or ()
    pairs = all(len(both) == 4 for both in (choices, contexts)) and contexts[0] == contexts[1]
    return pairs and contexts[2] == contexts[3] and choices[:2] == choices[2:] and labels in ((1, 0) * 2, (0, 1) * 2)


def _choices(row: Row, task: Task, protocol: Protocol) -> tuple[str, ...]:
    assert task.choices is not None
    return _texts(task.choices, row, "choices", protocol.classes)


def _texts(source: str | list[str], row: Row, key: str, classes: str = "list") -> tuple[str, ...]:
    """Return the texts that one template gives as a list, or several templates one each."""
    if isinstance(source, list):
        return tuple(rendered(one, row) for one in source)
    value: Any = None
    try:
        value = evaluated(source, row)
        found = parse_choices(_no_mapping(value, source), classes)
    except ValueError as error:
        raise ValueError(f"{key}: {error}{_separated(source, value)}") from error
    if not found:
        raise ValueError(f"{key}: the list is empty")
    return tuple(_text(text, key) for text in found)


def _no_mapping(value: Any, source: str) -> Any:
    """Return a value that is no mapping; of one, say how the list in it is named."""
    if not isinstance(value, Mapping):
        return value
    part = next((str(key) for key, inner in value.items() if isinstance(inner, list)), None)
    column = source.strip().removeprefix("{{").removesuffix("}}").strip()
    inside = f"{column}.{part}" if part else f"{column}.values() | list"
    raise ValueError(f"is a mapping with the keys {shown_keys(value)}; name the list in it, as in {{{{{inside}}}}}")


def _separated(source: str, value: Any) -> str:
    """Return how to read a text that looks like several with a sign between them; else nothing."""
    sign = next((sign for sign in "|;" if isinstance(value, str) and sign in value), None)
    return f"; texts with {sign} between them are {source[:-2].rstrip()}.split('{sign}')}}}}" if sign else ""


def _text(value: Any, key: str) -> str:
    """Return a text, or a number as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{key}: {value!r:.60} is not text")


def _labels(row: Row, task: Task, choices: Sequence[str]) -> tuple[int, ...]:
    if task.labels is not None:
        return tuple(_whole(label) for label in _list(evaluated(task.labels, row)))
    answer = evaluated(task.true, row) if isinstance(task.true, str) else task.true
    position = position_of(answer, choices)
    return tuple(int(place == position) for place in range(len(choices)))


def position_of(answer: Any, choices: Sequence[str]) -> int:
    """Return the position of the true choice, given as a position from 0, as its text, or as its letter.

    A number is a position where there is one, else a text; a text may leave out white space around the choice's own.
    Raises ValueError where the answer is none of the three.
    """
    if not isinstance(answer, str):
        number = _whole(answer)
        if 0 <= number < len(choices):
            return number
        based = "; if answers count from 1, take one off: {{answer | int - 1}}" if number == len(choices) else ""
        raise ValueError(
            f"answer index {number} is out of range for {len(choices)} choices (0 to {len(choices) - 1}){based}"
        )
    plain = answer.strip()
    if plain.removeprefix("-").isdecimal() and (0 <= int(plain) < len(choices) or not _among(plain, choices)):
        return position_of(int(plain), choices)
    if answer in choices:
        return choices.index(answer)
    if _among(plain, choices):
        return [choice.strip() for choice in choices].index(plain)
    letters = string.ascii_uppercase[: len(choices)]
    if len(plain) == 1 and plain.upper() in letters:
        return letters.index(plain.upper())
    raise ValueError(
        f"answer {answer!r:.60} is not there: it is no position (0 to {len(choices) - 1}), no letter "
        f"(A to {letters[-1:]}) and the text of no choice"
    )


def _among(plain: str, choices: Sequence[str]) -> bool:
    return plain in {choice.strip() for choice in choices}


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


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        value = literal(value)
    if isinstance(value, Mapping):  # a text that holds one
        part = next((str(key) for key, inner in value.items() if isinstance(inner, list)), "part")
        raise ValueError(
            f"is the text of a mapping with the keys {shown_keys(value)}; name the list in it, as in "
            f"{{{{(choices | parsed).{part}}}}}"
        )
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r:.60} is not a list")
    return list(value)


def _whole(value: Any) -> int:
    try:
        number = int(value)
        if number != float(value):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{value!r} is not a whole number") from None
    return number

"""The questions of one task, wherever they come from, as its record and the protocol say."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from trajectories.errors import UserError
from trajectories.files import canonical_json, file_sha256
from trajectories.questions.catalogue import preamble_text
from trajectories.questions.files import read_rows
from trajectories.questions.hub_data import read_hub_rows
from trajectories.questions.question import Question, write_questions
from trajectories.questions.rows import Row, to_questions
from trajectories.questions.shots import with_shots
from trajectories.questions.task import Task
from trajectories.study.protocol import Protocol

logger = logging.getLogger(__name__)
Generate = Callable[[str, int | None], Sequence[Question]]  # a generator's name, how many questions


def collect_questions(
    task: Task, protocol: Protocol, output: Path | str, generate: Generate | None = None
) -> list[Question]:
    """Write a task's questions to `output` as parquet, with where they came from in its metadata; return them.

    `generate` makes the questions of tasks with a generator. Raises `UserError` for everything that is not as the
    record says: a missing column, another number of questions, a file or data set that is not there.
    """
    plain, origin = _source(task, protocol, generate)
    preamble = preamble_text(task.preamble) if task.preamble else ""
    prefix = task.delimiter if protocol.choice_prefix is None else protocol.choice_prefix
    shot = with_shots(plain, task.shots, task.shots_seed, prefix) if task.shots else plain
    questions = [replace(question, context=preamble + question.context) for question in shot]
    record = task.model_dump(mode="json", exclude_defaults=True)
    write_questions(questions, output, {"task": task.name, "origin": origin, "record": canonical_json(record)})
    logger.info("questions: %s: %d from %s", task.name, len(questions), origin)
    return questions


def _source(task: Task, protocol: Protocol, generate: Generate | None) -> tuple[list[Question], str]:
    """Return a task's questions before examples and preamble, and what identifies their source."""
    if task.generator is not None:
        if generate is None:
            raise UserError(f"task {task.name}: there is no generator called {task.generator!r} here")
        return list(generate(task.generator, task.questions)), f"generator:{task.generator}"
    rows, origin = _rows(task)
    return to_questions(rows, task, protocol), origin


def _rows(task: Task) -> tuple[Sequence[Row], str]:
    if task.hub is not None:
        rows, commit = read_hub_rows(task.hub)
        return rows, f"hub:{task.hub.dataset}@{commit}"
    path = task.file or ""
    return read_rows(path), f"file:{path}@sha256:{file_sha256(path)}"

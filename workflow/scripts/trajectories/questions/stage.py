"""The stage `questions`: one task's record in, its questions file out."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from trajectories.errors import UserError
from trajectories.files import file_sha256
from trajectories.questions.catalogue import preamble_text
from trajectories.questions.files import read_rows
from trajectories.questions.hub_data import read_hub_rows
from trajectories.questions.question import Question, write_questions
from trajectories.questions.rows import to_questions
from trajectories.questions.shots import with_shots
from trajectories.questions.task import Task
from trajectories.study.protocol import Protocol

Origin = dict[str, str]
Generate = Callable[[str, int, int | None], Sequence[Question]]  # name, seed, how many questions


def write_task(*, task: str, protocol: str, seed: int, output: Path | str, generate: Generate | None = None) -> None:
    """Write the questions of a task. `task` and `protocol` are canonical JSON; `generate` makes the questions of
    generators, from `seed`.

    Raises `UserError`, naming the task, for data that is missing, damaged, or not what the record says.
    """
    record = Task.model_validate_json(task)
    rules = Protocol.model_validate_json(protocol)
    questions, origin = questions_of(record, rules, seed, generate)
    write_questions(questions, output, {"task": task, "protocol": protocol, "origin": json.dumps(origin)})


def questions_of(
    task: Task, protocol: Protocol, seed: int = 0, generate: Generate | None = None
) -> tuple[list[Question], Origin]:
    """Return a task's questions as they will be asked, with worked examples and preamble, and where they came from."""
    questions, origin = _source(task, protocol, seed, generate)
    if task.shots:
        prefix = task.delimiter if protocol.choice_prefix is None else protocol.choice_prefix
        questions = with_shots(questions, task.shots, task.shots_seed, prefix)
    preamble = preamble_text(task.preamble) if task.preamble else ""
    return [question.after(preamble) for question in questions], origin


def _source(task: Task, protocol: Protocol, seed: int, generate: Generate | None) -> tuple[list[Question], Origin]:
    """Return a task's plain questions and what identifies their source."""
    if task.generator is not None:
        if generate is None:
            raise UserError(f"task {task.name!r}: no generators are known here; its generator is {task.generator!r}")
        return list(generate(task.generator, seed, task.questions)), {"generator": task.generator, "seed": str(seed)}
    if task.hub is not None:
        rows, commit = read_hub_rows(task.hub)
        return to_questions(rows, task, protocol), {"dataset": task.hub.dataset, "commit": commit}
    path = task.file or ""
    return to_questions(read_rows(path), task, protocol), {"file": path, "sha256": file_sha256(path)}

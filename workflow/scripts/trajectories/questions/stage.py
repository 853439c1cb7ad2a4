"""The stage `questions`: one task's record in, its questions file out."""

import json
from pathlib import Path

from trajectories.files import file_sha256
from trajectories.questions.files import read_rows
from trajectories.questions.question import Question, write_questions
from trajectories.questions.rows import to_questions
from trajectories.questions.task import Task
from trajectories.study.protocol import Protocol


def write_task(*, task: str, protocol: str, seed: int, output: Path | str) -> None:
    """Write the questions of a task. `task` and `protocol` are canonical JSON; `seed` is for generators.

    Raises `UserError`, naming the task, for data that is missing, damaged, or not what the record says.
    """
    record = Task.model_validate_json(task)
    rules = Protocol.model_validate_json(protocol)
    questions, origin = _questions(record, rules, seed)
    write_questions(questions, output, {"task": task, "protocol": protocol, "origin": json.dumps(origin)})


def _questions(task: Task, protocol: Protocol, seed: int) -> tuple[list[Question], dict[str, str]]:
    """Return a task's questions and where they came from."""
    if task.generator is not None:
        from trajectories.pocket.tasks import generate

        return generate(task.generator, seed, task.questions), {"generator": task.generator, "seed": str(seed)}
    assert task.file is not None
    return to_questions(read_rows(task.file), task, protocol), {"file": task.file, "sha256": file_sha256(task.file)}

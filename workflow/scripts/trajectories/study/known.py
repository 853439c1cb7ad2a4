"""Tasks as they are written in a config: a known task's name, a known one with changes, a record."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from trajectories.questions.catalogue import known_tasks
from trajectories.questions.task import Task
from trajectories.study.strict import suggestion


def as_task(value: Any) -> Any:
    """Turn a known task's name, or `{task: name, key: value}` with changed keys, into its record.

    Raises ValueError for a name that is not in the catalogue.
    """
    if isinstance(value, Task):
        return value
    record = {"task": value} if isinstance(value, str) else value
    if not isinstance(record, dict):
        raise ValueError("is neither a task's name nor a record")
    if "task" not in record:
        return record
    known, name = known_tasks(), record["task"]
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"{name!r} is not a known task{suggestion(str(name), known)}")
    return known[name].model_dump(exclude_defaults=True) | {key: v for key, v in record.items() if key != "task"}


def _file_is_there(task: Task) -> Task:
    if task.source is not None and not Path(task.source).is_file():
        place = "" if Path(task.source).is_absolute() else f"; paths count from {Path.cwd()}"
        raise ValueError(f"file {task.source!r} does not exist{place}")
    return task


KnownTask = Annotated[Task, BeforeValidator(as_task), AfterValidator(_file_is_there)]

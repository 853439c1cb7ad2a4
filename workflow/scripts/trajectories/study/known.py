"""Tasks as they are written in a config: a known task's name, a known one with changes, a record."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from trajectories.errors import UserError
from trajectories.questions.average import Average
from trajectories.questions.catalogue import known_tasks
from trajectories.questions.harness.tasks import harness_tasks
from trajectories.questions.layouts import changed
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
    changes = {key: value for key, value in record.items() if key != "task"}
    return changed(known[name].model_dump(exclude_defaults=True), changes)


def with_harness_tasks(config: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a config with `{harness: name}` replaced by records of the tasks, and averages for groups of them.

    Raises `UserError` with a line for each entry that the harness does not know or cannot be answered here.
    """
    tasks = config.get("tasks")
    entries = tasks if isinstance(tasks, list) else [tasks]
    if not any(_names_harness(entry) for entry in entries):
        return config
    records, averages, mistakes = list[Any](), list[Average](), list[str]()
    for index, entry in enumerate(entries):
        try:
            found, groups = harness_tasks(entry, f"{where}: tasks[{index}]") if _names_harness(entry) else ([entry], [])
        except UserError as error:
            mistakes.append(str(error))
        else:
            records += found
            averages += groups
    if mistakes:
        raise UserError("\n".join(mistakes))
    own = {"averages": [*(config.get("averages") or []), *averages]} if averages else {}
    return config | {"tasks": records} | own


def _names_harness(entry: Any) -> bool:
    return isinstance(entry, dict) and "harness" in entry and not isinstance(entry["harness"], dict)


def _file_is_there(task: Task) -> Task:
    if task.source is not None and not Path(task.source).is_file():
        if Path(task.source).is_dir():
            raise ValueError(f"file {task.source!r} is a folder; name a file in it")
        place = "" if Path(task.source).is_absolute() else f"; paths count from {Path.cwd()}"
        raise ValueError(f"file {task.source!r} does not exist{place}")
    return task


KnownTask = Annotated[Task, BeforeValidator(as_task), AfterValidator(_file_is_there)]

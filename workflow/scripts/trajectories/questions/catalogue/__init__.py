"""The tasks known by name: records in the YAML files beside this module, one file per collection."""

from functools import cache
from importlib.resources import files

import yaml

from trajectories.errors import UserError
from trajectories.questions.task import Task


@cache
def known_tasks() -> dict[str, Task]:
    """Return every catalogue record by name. Raises `UserError` when two records share a name."""
    tasks: dict[str, Task] = {}
    for entry in sorted(files(__package__).iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml"):
            for record in yaml.safe_load(entry.read_text(encoding="utf-8")):
                task = Task.checked(record, f"{entry.name}: {record.get('name')}")
                if task.name in tasks:
                    raise UserError(f"{entry.name}: the task {task.name!r} is already in another catalogue file")
                tasks[task.name] = task
    return tasks

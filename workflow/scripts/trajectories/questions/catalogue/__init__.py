"""The tasks and layouts known by name: records in the YAML files beside this module, a file of tasks per collection."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from trajectories.errors import UserError
from trajectories.questions.chain import CHAINS_FILE
from trajectories.questions.layouts import LAYOUTS_FILE
from trajectories.questions.task import Task


@cache
def known_tasks() -> dict[str, Task]:
    """Return every catalogue record by name. Raises `UserError` when two records share a name."""
    tasks: dict[str, Task] = {}
    for entry in sorted(files(__package__).iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml") and entry.name not in (LAYOUTS_FILE, CHAINS_FILE):
            for record in yaml.safe_load(entry.read_text(encoding="utf-8")):
                task = Task.checked(record, f"{entry.name}: {record.get('name')}")
                if task.name in tasks:
                    raise UserError(f"{entry.name}: the task {task.name!r} is already in another catalogue file")
                tasks[task.name] = task
    return tasks


@cache
def preamble_text(name: str) -> str:
    """Return a text that stands before every context of a task. Raises `UserError` when there is none of that name."""
    texts: Mapping[str, Any] = json.loads(files(__package__).joinpath("preambles.json").read_text(encoding="utf-8"))
    if name not in texts:
        raise UserError(f"preamble: {name!r} is not in the catalogue (allowed: {', '.join(sorted(texts))})")
    return str(texts[name]["text"])

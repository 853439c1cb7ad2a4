"""`all` in the config of an import: models, steps and tasks are then what the files hold."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from trajectories.errors import UserError
from trajectories.imports.files import files_of
from trajectories.imports.formats import ENDINGS, FORMATS
from trajectories.imports.harness import read_harness_file
from trajectories.imports.names import MC_TASKS, OURS, task_key
from trajectories.imports.reading import Reading
from trajectories.imports.samples import WRITTEN, samples_file
from trajectories.imports.steps import step_in, step_in_path
from trajectories.imports.whose import path_names
from trajectories.study.metrics import METRICS

KEYS = ("models", "steps", "tasks")
_SIZE = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)([kmbt])(?![A-Za-z0-9])", re.IGNORECASE)
_FACTOR = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


def filled_in(config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the config with `all` replaced by what the imported files hold, and sentences on what was taken.

    A config without `all` comes back as it is. Raises `UserError` for `all` without an import from files, and for a
    model whose size is not in its name.
    """
    wanted = [key for key in KEYS if config.get(key) == "all"]
    if not wanted:
        return dict(config), []
    readings = _readings(config, wanted[0])
    filled, told = dict(config), []
    checkpoints = _checkpoints(readings, config)
    if "models" in wanted:
        filled["models"] = _models({name for name, _ in checkpoints})
        told += [f"{model['name']} has {model['parameters']:,} parameters, by its name" for model in filled["models"]]
    if "steps" in wanted:
        filled["steps"] = sorted({step for _, step in checkpoints if step is not None})
        if not filled["steps"]:
            said = sorted({repr(one.revision) for one in readings if one.revision is not None})[:3]
            instead = f" (but {', '.join(said)})" if said else ""
            raise UserError(f"steps: all: no file names a step{instead}; say where it is with import.name")
    if "tasks" in wanted:
        filled["tasks"] = _tasks(readings)
        if not filled["tasks"]:
            raise UserError(f"tasks: all: {_choice_of(readings)}; list the tasks, with `metric` and `filter`")
    return filled, told


def _readings(config: Mapping[str, Any], key: str) -> list[Reading]:
    source = config.get("import")
    if not isinstance(source, Mapping) or source.get("format") == "published":
        raise UserError(f"{key}: all: is for imports from files alone; list the {key}")
    if source.get("format") not in ENDINGS:
        raise UserError(f"import.format: {source.get('format')!r} is none of {', '.join(sorted(ENDINGS))}")
    if "path" not in source:
        raise UserError("import.path: is missing; give the files, folders or patterns to read")
    readings, unusable = [], []
    for file in files_of(source["path"], ENDINGS[str(source["format"])]):
        try:
            readings += _read(file, str(source["format"]))
        except UserError as error:  # where others are left the import itself says what is wrong with it
            unusable.append(error)
    if unusable and not readings:
        raise unusable[0]
    shots, names = source.get("shots"), _names(config.get("tasks"))
    return [
        reading
        for reading in readings
        if (shots is None or reading.shots in (None, shots))
        and (not names or reading.task in names or task_key(reading.task) in names)
    ]


def _read(file: Path, form: str) -> list[Reading]:
    """Return the numbers of a file; of single questions, those of their task in the results file beside them."""
    if form != "harness-samples":
        return FORMATS[form][0](file)
    samples = samples_file(file)
    if samples is None or samples.results is None:
        return []
    told = [one for one in read_harness_file(samples.results) if one.task == samples.task]
    return [replace(one, file=file, metric=WRITTEN.get(one.metric or "", one.metric), filter=None) for one in told]


def _names(tasks: Any) -> set[str]:
    """Return what the tasks of a config are called in files; nothing where they are `all`."""
    if not isinstance(tasks, list):
        return set()
    records = [task if isinstance(task, Mapping) else {"name": task} for task in tasks]
    named = {str(record.get("name") or record.get("task")) for record in records}
    aliases = {str(alias) for record in records for alias in record.get("alias") or ()}
    return named | aliases | {task_key(name) for name in named}


def _checkpoints(readings: Iterable[Reading], config: Mapping[str, Any]) -> set[tuple[str, int | None]]:
    pattern = config["import"].get("name")
    main_is = (config.get("checkpoints") or {}).get("main_is")
    return {_checkpoint(reading, pattern, main_is) for reading in readings} - {("", None)}


def _checkpoint(reading: Reading, pattern: str | None, main_is: int | None) -> tuple[str, int | None]:
    by_path = path_names(str(reading.file), pattern) if pattern else {}
    parts = [part for part in Path(reading.model).parts if step_in_path([part]) is None or step_in(part) is None]
    name = by_path.get("model") or (re.sub(r"[-_.](?:step|checkpoint)[-_]?\d+$", "", parts[-1]) if parts else "")
    if reading.revision not in (None, "main"):
        return name, step_in(str(reading.revision))
    if reading.iteration is not None:
        return name, reading.iteration
    in_name = step_in_path(Path(reading.model).parts)
    if in_name is not None:
        return name, in_name
    return name, int(by_path["step"]) if "step" in by_path else main_is


def _models(names: Iterable[str]) -> list[dict[str, Any]]:
    models = [{"name": name, "parameters": _size(name)} for name in names if name]
    return sorted(models, key=lambda model: (model["parameters"], model["name"]))


def _size(name: str) -> float:
    found = _SIZE.findall(name)
    if not found:
        raise UserError(
            f"models: all: the size of {name!r} is not in its name; list the models, {{name: {name}, parameters: 70e6}}"
        )
    number, unit = found[-1]
    return round(float(number) * _FACTOR[unit.lower()])


def _choice_of(readings: Iterable[Reading]) -> str:
    """Say what there is to choose from, where no metric of a task stands out."""
    there = sorted({f"{one.task}: {one.metric}" + (f" ({one.filter})" if one.filter else "") for one in readings})
    more = f", and {len(there) - 6} more" if len(there) > 6 else ""
    return f"which metric counts is not plain from {', '.join(there[:6])}{more}" if there else "no file holds a number"


def _tasks(readings: Iterable[Reading]) -> list[dict[str, Any]]:
    """Return a record per task: the metric is the first of accuracy, accuracy_norm and the rest that we know."""
    members: dict[str, list[str]] = {}
    for reading in readings:
        metric = MC_TASKS.get(reading.task) or OURS.get(reading.metric or "accuracy", reading.metric or "accuracy")
        if metric in METRICS and reading.filter in (None, "none"):
            members.setdefault(reading.task, []).append(metric)
    records = []
    for task, metrics in members.items():
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", task).strip("_.-") or "task"
        best = next((metric for metric in ("accuracy", "mc1", "accuracy_norm") if metric in metrics), metrics[0])
        alias = [] if name == task else [task]
        records.append({"name": name, "metric": best, "alias": alias})
    return records

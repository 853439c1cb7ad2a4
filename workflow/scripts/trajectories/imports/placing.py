"""Every number finds its model, step, task and metric in the study, or is left out and counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from trajectories.errors import UserError
from trajectories.imports.names import metric_name, tasks_of
from trajectories.imports.notes import Notes
from trajectories.imports.reading import Reading
from trajectories.imports.whose import Checkpoint, NotOurs, checkpoint_of
from trajectories.questions.task import Task
from trajectories.study.config import Study
from trajectories.study.metrics import IMPORTED, LESS_IS_BETTER, METRICS, record_of
from trajectories.study.models import Model

Key = tuple[str, int, str, str]  # model, step, task, metric
Checkpoints = dict[tuple[object, ...], Checkpoint | NotOurs]  # by what a number says of its own


@dataclass(frozen=True)
class Placed:
    """A number in its place."""

    reading: Reading
    model: Model
    step: int
    task: Task
    metric: str
    owner: str

    @property
    def key(self) -> Key:
        """What may be there once."""
        return (self.model.name, self.step, self.task.name, self.metric)


def place(
    readings: Sequence[Reading], study: Study, notes: Notes, unusable: dict[Path, str] | None = None
) -> list[Placed]:
    """Return the numbers the study has a place for; the rest is counted in `notes`.

    A file with an impossible number is left out whole and goes to `unusable` with the reason, where others are left.
    Raises `UserError` where `others: refuse` meets such a rest, for two different numbers in one place, for a model
    that comes from two owners, for files that differ along a trajectory, and for a task whose metric is in no file.
    """
    offered: dict[str, dict[str, None]] = {}
    checkpoints: Checkpoints = {}
    placed: list[Placed] = []
    for reading in readings:
        where = _place_of(reading, study, offered, checkpoints)
        if isinstance(where, NotOurs):
            _leave_out(where, reading, study, notes)
        else:
            placed.append(where)
    wrong = _impossible(placed, readings, study)
    if unusable is not None:
        unusable |= wrong
    found: dict[Key, Placed] = {}
    for one in placed:
        if one.reading.file in wrong:
            continue
        if one.key in found:
            _again(found[one.key], one, notes)
        else:
            found[one.key] = one
    for why in wrong.values():
        notes.add("unusable files", why)
    _check_owners(found.values())
    _check_metrics(found, offered, study)
    if study.imported is not None and study.imported.mixed == "refuse":
        _check_mixture(found.values())
    return list(found.values())


def _impossible(placed: Sequence[Placed], readings: Sequence[Reading], study: Study) -> dict[Path, str]:
    """Return the files with a number that cannot be, and which. Raises `UserError` where no other file is left."""
    wrong: dict[Path, str] = {}
    for one in placed:
        if one.reading.file not in wrong and (why := _complaint(one)):
            wrong[one.reading.file] = why
    if wrong and (study.imported is None or study.imported.others == "refuse" or _all_wrong(readings, wrong)):
        raise UserError(next(iter(wrong.values())))
    return wrong


def _all_wrong(readings: Sequence[Reading], wrong: dict[Path, str]) -> bool:
    return {reading.file for reading in readings} <= set(wrong)


def _place_of(
    reading: Reading, study: Study, offered: dict[str, dict[str, None]], checkpoints: Checkpoints
) -> Placed | NotOurs:
    imported = study.imported
    if imported is not None and imported.shots is not None and reading.shots not in (None, imported.shots):
        return NotOurs("other numbers of worked examples", f"{reading.task} with {reading.shots}")
    tasks = tasks_of(reading, study)
    if not tasks:
        return NotOurs("other tasks", reading.task)
    if reading.whose not in checkpoints:
        checkpoints[reading.whose] = checkpoint_of(reading, study, imported.name if imported is not None else None)
    checkpoint = checkpoints[reading.whose]
    if isinstance(checkpoint, NotOurs):
        return checkpoint
    if len(tasks) > 1:
        raise UserError(f"{reading.file}: task {reading.task!r} could be {tasks[0].name!r} or {tasks[1].name!r}")
    task = tasks[0]
    metric = _metric_of(reading, task, study)
    named = reading.metric or study.metric_of(task)
    offered.setdefault(task.name, {})[named + (f" (filter {reading.filter})" if reading.filter else "")] = None
    if metric is None:
        return NotOurs("other metrics", f"{named} of {reading.task}")
    return Placed(reading, checkpoint.model, checkpoint.step, task, metric, checkpoint.owner)


def _metric_of(reading: Reading, task: Task, study: Study) -> str | None:
    """Return our name of a number's metric; None for a metric that neither we nor the task know, or another filter."""
    metric, own = metric_name(reading, task, study), study.metric_of(task)
    if metric == own.removesuffix(LESS_IS_BETTER):
        metric = own
    if reading.filter is not None and own == f"{metric},{reading.filter}":
        return own  # a task of the harness that lets the model write names its filter with its metric
    if metric != own and metric not in METRICS and metric not in IMPORTED:
        return None
    wanted = task.filter if task.filter is not None else "none"
    if reading.filter not in (None, wanted):
        return None
    return metric


def _complaint(one: Placed) -> str:
    """Return why a number cannot be what it says it is; empty where it can."""
    reading, record = one.reading, record_of(one.metric)
    own = one.task.range is not None and one.metric.removesuffix(LESS_IS_BETTER) == one.task.metric
    low, high = one.task.range if own and one.task.range is not None else (record.low, record.high)
    what = f"{(reading.metric or one.metric)!r} of task {reading.task!r}"
    if reading.line is not None:
        what = f"the value in line {reading.line}"
    if not isfinite(reading.value):
        return f"{reading.file}: {what} is {reading.value}, not a number; make the file again"
    if not low <= reading.value <= high:
        cure = "; shares are wanted, not per cent" if record.is_share and reading.value > 1 else ""
        return f"{reading.file}: {what} is {reading.value}, outside {low:g}…{high:g}{cure}"
    return ""


def _leave_out(left: NotOurs, reading: Reading, study: Study, notes: Notes) -> None:
    if study.imported is None or study.imported.others == "refuse":
        raise UserError(
            f"{reading.file}: {left.kind}: {left.why}, which the study does not name (import.others: refuse)"
        )
    notes.add(left.kind, left.why)


def _again(first: Placed, second: Placed, notes: Notes) -> None:
    """Accept a number that is there again, and refuse another one in its place."""
    same = first.reading.value == second.reading.value and first.reading.shots == second.reading.shots
    if same:
        notes.add("repeated", f"{second.reading.file}")
        return
    model, step, task, metric = first.key
    one, other = first.reading, second.reading
    where = f"in {one.file} and in {other.file}" if one.file != other.file else f"twice in {one.file}"
    cure = "keep one file per checkpoint and task"
    if one.shots != other.shots:
        where += f", with {one.shots} and {other.shots} worked examples"
        cure = f"say which with import.shots: {one.shots}"
    elif one.filter != other.filter:
        cure = "say which with the task's `filter`"
    raise UserError(f"{metric} of {task!r} at {model!r} step {step} is {where}; {cure}")


def _check_owners(placed: Iterable[Placed]) -> None:
    owners: dict[str, dict[str, Placed]] = {}
    for one in placed:
        if one.owner:
            owners.setdefault(one.model.name, {}).setdefault(one.owner, one)
    for model, found in owners.items():
        if len(found) > 1:
            (first, one), (second, other) = list(found.items())[:2]
            raise UserError(
                f"model {model!r} is {first}/{model} in {one.reading.file} and {second}/{model} in "
                f"{other.reading.file}; say whose with the model's `hub`"
            )


def _check_metrics(found: dict[Key, Placed], offered: dict[str, dict[str, None]], study: Study) -> None:
    """Refuse a task whose own metric is in no file although other metrics of it are."""
    have = {(task, metric) for _, _, task, metric in found}
    for task in study.tasks:
        metric = study.metric_of(task)
        if task.name in offered and (task.name, metric) not in have:
            wanted = repr(metric.removesuffix(LESS_IS_BETTER)) + (f" with filter {task.filter}" if task.filter else "")
            raise UserError(
                f"task {task.name!r}: no file has its metric {wanted}; they have "
                f"{', '.join(offered[task.name])}: name one as the task's `metric`, and its `filter`"
            )


def _check_mixture(placed: Iterable[Placed]) -> None:
    """Refuse trajectories whose numbers were asked in different ways."""
    along: dict[tuple[str, str], list[Placed]] = {}
    for one in placed:
        along.setdefault((one.model.name, one.task.name), []).append(one)
    for (model, task), ones in along.items():
        for what in ("shots", "version"):
            steps = _steps_by(ones, what)
            if len(steps) > 1:
                told = "; ".join(f"{value} at {_listed(found)}" for value, found in steps.items())
                name, cure = _CURES[what]
                raise UserError(f"{model}, {task}: {name} differ along the trajectory ({told}); {cure}")


_CURES = {
    "shots": ("numbers of worked examples", "choose with import.shots, or say import.mixed: keep"),
    "version": ("versions of the task", "score the trajectory in one way, or say import.mixed: keep"),
}


def _steps_by(ones: Sequence[Placed], what: str) -> dict[object, list[int]]:
    steps: dict[object, list[int]] = {}
    for one in ones:
        value = getattr(one.reading, what)
        if value is not None and one.step not in steps.setdefault(value, []):
            steps[value].append(one.step)
    return {value: sorted(found) for value, found in sorted(steps.items(), key=lambda item: str(item[0]))}


def _listed(steps: Sequence[int]) -> str:
    return f"step {', '.join(map(str, steps[:4]))}{', …' if len(steps) > 4 else ''}"

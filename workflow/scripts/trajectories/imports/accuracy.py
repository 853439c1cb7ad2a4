"""From readings to `accuracy.tsv`: every number finds its model, step and task in the study, or is refused."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from trajectories.errors import UserError
from trajectories.files import file_sha256
from trajectories.imports.harness import MC_TASKS, read_harness
from trajectories.imports.published import read_published
from trajectories.imports.reading import Reading
from trajectories.imports.tidy import read_tidy
from trajectories.questions.task import Task
from trajectories.study.config import Model, Study
from trajectories.study.sources import source_of, tokens_per_step_of
from trajectories.study.strict import suggestion
from trajectories.tables import COLUMNS, write_table

logger = logging.getLogger(__name__)

_PREFIXES = ("isp_", "inverse_scaling_prize_", "inverse_scaling_")
_SUFFIXES = ("_10shot", "_math")
_SAME = {"pattern_match_suppression": "pattern_matching_suppression"}


@dataclass(frozen=True)
class Place:
    """Where a reading belongs."""

    model: Model
    step: int
    task: Task
    metric: str


def import_accuracy(study: Study, out: Path | str, files_out: Path | str, fetched: Path | str) -> None:
    """Write `accuracy.tsv` from what `study.imported` names, and a table of the files it came from.

    `fetched` is where the published file is put if it has to be downloaded. Raises `UserError` for everything in the
    files that the study has no place for; accuracies the study names and the files lack are a warning.
    """
    readings = read_import(study, fetched)
    accuracy = place_readings(readings, study)
    write_table(accuracy, out, "accuracy")
    write_table(imported_files(readings), files_out, "imported")
    _warn_of_gaps(accuracy, study)


def reference_accuracy(study: Study, out: Path | str, fetched: Path | str) -> None:
    """Write the published accuracies, as far as `study` has a place for them, as an accuracy table to compare with.

    They come from the folder `study.data`, else are downloaded to `fetched`. Raises `UserError` when they cannot be
    had, or there is nothing among them that the study has.
    """
    readings = read_published(study.data, fetched)
    placed = place_readings([reading for reading in readings if _has_place(reading, study)], study)
    if placed.empty:
        raise UserError("reference: the published study has no model, step and task of this study")
    write_table(placed, out, "accuracy")


def read_import(study: Study, fetched: Path | str) -> list[Reading]:
    """Read what `study.imported` names, in its format."""
    source = study.imported
    if source is None:
        raise UserError("import: the study has no import section, so there is nothing to read")
    if source.format == "published":
        return read_published(source.path or study.data, fetched)
    if source.path is None:
        raise UserError(f"import.path: format {source.format!r} needs the file or folder to read")
    return {"harness-json": read_harness, "tsv": read_tidy}[source.format](source.path)


def place_readings(readings: Sequence[Reading], study: Study) -> pd.DataFrame:
    """Return the accuracy table of `readings`, in the study's order.

    Raises `UserError`, naming the file, for a model, step or task the study lacks, and for a number given twice.
    """
    placed: dict[tuple[str, int, str, str], tuple[Reading, Place]] = {}
    for reading in readings:
        place = place_of(reading, study)
        key = (place.model.name, place.step, place.task.name, place.metric)
        if key in placed:
            raise UserError(_twice(placed[key][0], reading, key))
        placed[key] = (reading, place)
    rows = [_row(reading, place, study) for reading, place in placed.values()]
    return _in_order(_with_questions(pd.DataFrame(rows, columns=list(COLUMNS["accuracy"]))), study)


def place_of(reading: Reading, study: Study) -> Place:
    """Return where `reading` belongs in `study`. Raises `UserError` when it belongs nowhere."""
    model = _model_of(reading, study)
    task = _task_of(reading, study)
    metric = reading.metric or MC_TASKS.get(reading.task) or study.metric_of(task)
    return Place(model, _step_of(reading, model, study), task, metric)


def _has_place(reading: Reading, study: Study) -> bool:
    try:
        place_of(reading, study)
    except UserError:
        return False
    return True


def task_key(name: str) -> str:
    """Return a task's name without what harnesses put around it: `isp_neqa` and `inverse_scaling_neqa` are `neqa`."""
    key = name.lower().replace("-", "_")
    if key in (*MC_TASKS, "truthfulqa_mc"):
        return "truthfulqa"
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    for suffix in _SUFFIXES:
        key = key.removesuffix(suffix)
    return _SAME.get(key, key)


def imported_files(readings: Iterable[Reading]) -> pd.DataFrame:
    """Return the files behind `readings` with their sha256 and how many numbers came from each."""
    counts: dict[Path, int] = {}
    for reading in readings:
        counts[reading.file] = counts.get(reading.file, 0) + 1
    rows = [{"file": str(file), "sha256": file_sha256(file), "rows": count} for file, count in counts.items()]
    return pd.DataFrame(rows, columns=list(COLUMNS["imported"]))


def _model_of(reading: Reading, study: Study) -> Model:
    parts = PurePosixPath(reading.model).parts
    names = {model.name: model for model in study.models}
    for part in reversed(parts[-2:]):  # org/model on the hub, or …/model/step2000 on disk
        if part in names:
            return names[part]
    by_hub = {str(source_of(model, study.checkpoints)[0]).format(model=model.name): model for model in study.models}
    if reading.model in by_hub:
        return by_hub[reading.model]
    raise UserError(
        f"{reading.file}: model {reading.model!r} is not in the study{suggestion(reading.model, set(names))}"
    )


def _step_of(reading: Reading, model: Model, study: Study) -> int:
    revision = reading.revision or PurePosixPath(reading.model).name
    for step in study.steps_of(model):
        if revision in (_revision(model, step, study), f"step{step}"):
            return step
    said = f"revision {reading.revision!r}" if reading.revision else "no revision"
    raise UserError(f"{reading.file}: names {said} for model {model.name!r}, which is no step of the study")


def _revision(model: Model, step: int, study: Study) -> str:
    pattern = model.revision or study.checkpoints.revision
    return pattern.format(model=model.name, step=step, tokens=step * tokens_per_step_of(model, study.checkpoints))


def _task_of(reading: Reading, study: Study) -> Task:
    exact = {task.name: task for task in study.tasks}
    if reading.task in exact:
        return exact[reading.task]
    matching = [task for task in study.tasks if task_key(task.name) == task_key(reading.task)]
    if len(matching) > 1:  # truthfulqa_mc1 and truthfulqa_mc2 share their questions and differ in the metric
        wanted = reading.metric or reading.task[-3:]
        matching = [task for task in matching if study.metric_of(task) == wanted] or matching
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UserError(f"{reading.file}: task {reading.task!r} could be {matching[0].name!r} or {matching[1].name!r}")
    raise UserError(
        f"{reading.file}: task {reading.task!r} is not in the study{suggestion(reading.task, set(exact))}; "
        "add it to tasks, or take it out of the file"
    )


def _row(reading: Reading, place: Place, study: Study) -> Mapping[str, object]:
    tokens = place.step * tokens_per_step_of(place.model, study.checkpoints)
    return {
        "model": place.model.name, "parameters": place.model.parameters, "step": place.step, "tokens": tokens,
        "task": place.task.name, "metric": place.metric, "value": reading.value, "stderr": reading.stderr,
        "questions": reading.questions,
    }  # fmt: skip


def _with_questions(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Fill unknown question counts with the one count that all other readings of the task agree on, if they do."""
    known = accuracy.dropna(subset="questions").groupby("task")["questions"].unique()
    agreed = {task: counts[0] for task, counts in known.items() if len(counts) == 1}
    counts = accuracy["questions"].astype("Int64")
    return accuracy.assign(questions=counts.fillna(accuracy["task"].map(agreed).astype("Int64")))


def _in_order(accuracy: pd.DataFrame, study: Study) -> pd.DataFrame:
    models = {model.name: place for place, model in enumerate(study.models)}
    tasks = {task.name: place for place, task in enumerate(study.tasks)}
    order = pd.DataFrame(
        {"model": accuracy["model"].map(models), "step": accuracy["step"], "task": accuracy["task"].map(tasks),
         "metric": accuracy["metric"]}
    )  # fmt: skip
    return accuracy.loc[order.sort_values(list(order.columns)).index].reset_index(drop=True)


def _twice(first: Reading, second: Reading, key: tuple[str, int, str, str]) -> str:
    model, step, task, metric = key
    where = f"in {first.file} and in {second.file}" if first.file != second.file else f"twice in {first.file}"
    return f"{metric} of {task!r} at {model!r} step {step} is {where}; keep one file per checkpoint and task"


def _warn_of_gaps(accuracy: pd.DataFrame, study: Study) -> None:
    there = set(zip(accuracy["model"], accuracy["step"], accuracy["task"], strict=True))
    wanted = [(m.name, step, task.name) for m in study.models for step in study.steps_of(m) for task in study.tasks]
    gaps = [place for place in wanted if place not in there]
    if gaps:
        model, step, task = gaps[0]
        logger.warning(
            "import: %d accuracies of the study are in no file, the first: %s step %d %s", len(gaps), model, step, task
        )

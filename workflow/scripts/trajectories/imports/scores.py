"""The stage `import_scores`: questions answered elsewhere in; questions and scores out, as scoring makes them."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from trajectories.errors import UserError
from trajectories.imports.accuracy import imported_files, paths_of, tell, tokens_of
from trajectories.imports.files import files_of
from trajectories.imports.harness import read_harness_file
from trajectories.imports.names import tasks_of
from trajectories.imports.notes import Notes
from trajectories.imports.placing import Placed
from trajectories.imports.reading import Reading
from trajectories.imports.samples import ENDINGS, Sample, SamplesFile, read_samples, samples_file
from trajectories.imports.whose import NotOurs, checkpoint_of
from trajectories.questions.stored import write_questions
from trajectories.scoring.score_columns import COLUMNS, TYPES
from trajectories.scoring.scores import empty_scores, write_scores
from trajectories.study.config import Study
from trajectories.tables import COLUMNS as TABLES
from trajectories.tables import write_table

logger = logging.getLogger(__name__)

Key = tuple[str, int, str]  # model, step, task


def import_scores(study: Study, results: Path | str, told: Sequence[str] = ()) -> None:
    """Write `checkpoints.tsv`, `questions/`, `scores/`, `imported.tsv` and `import_notes.tsv` below `results`.

    Raises `UserError` when nothing fits the study, when the documents of a task differ between checkpoints, and when
    two files answer one task under one checkpoint.
    """
    notes = Notes()
    for sentence in told:
        notes.add("read from the files", sentence)
    placed = _placed(study, notes)
    answered = {key: read_samples(file, _filter(study, key)) for key, (file, _) in placed.items()}
    orders = {task.name: _order(task.name, answered) for task in study.tasks}
    folder = Path(results)
    for task, order in orders.items():
        first = next((samples for (_, _, name), samples in answered.items() if name == task), [])
        questions = {sample.key: sample.question for sample in first}
        made = {"task": study.task(task).canonical(), "origin": json.dumps({"import": "harness-samples"})}
        write_questions([questions[key] for key in order], folder / "questions" / f"{task}.parquet", made)
    _write_scores(study, answered, placed, orders, folder)
    ones = [one for _, one in placed.values()]
    imported = imported_files([one.reading for one in ones], ones, {})
    tell(study, ones, imported, notes, folder / "imported.tsv", folder / "import_notes.tsv")


def _filter(study: Study, key: Key) -> str | None:
    return study.task(key[2]).filter


def _placed(study: Study, notes: Notes) -> dict[Key, tuple[SamplesFile, Placed]]:
    """Return the newest file of every checkpoint and task of the study."""
    found: dict[Key, tuple[SamplesFile, Placed]] = {}
    if study.imported is None or study.imported.path is None:
        raise UserError("import.path: format 'harness-samples' needs the files or folders to read")
    for path in files_of(study.imported.path, ENDINGS):
        file = samples_file(path)
        if file is None:
            notes.add("files that are no samples", str(path))
            continue
        one = _place(file, study)
        if isinstance(one, NotOurs):
            if study.imported.others == "refuse":
                raise UserError(f"{path}: {one.kind}: {one.why}; the study does not name it (import.others: refuse)")
            notes.add(one.kind, one.why)
            continue
        key = (one.model.name, one.step, one.task.name)
        if key in found:
            notes.add("older runs of the same task", str(min(found[key][0].path, path, key=lambda p: _time(p))))
        if key not in found or file.time > found[key][0].time:
            found[key] = (file, one)
    if not found:
        raise UserError(f"import: no samples of {paths_of(study)} are of this study; " + "; ".join(notes.lines()))
    return found


def _time(path: Path) -> str:
    file = samples_file(path)
    return file.time if file is not None else ""


def _place(file: SamplesFile, study: Study) -> Placed | NotOurs:
    """Return the checkpoint and task of a file, from its results file and its name."""
    reading = Reading(file.path, "", None, file.task, None, 0.0)
    if file.results is not None:
        told = read_harness_file(file.results)
        own = next((one for one in told if one.task == file.task), told[0] if told else reading)
        reading = replace(own, file=file.path, task=file.task, metric=None)
    tasks = tasks_of(reading, study)
    if not tasks:
        return NotOurs("other tasks", file.task)
    checkpoint = checkpoint_of(reading, study, study.imported.name if study.imported is not None else None)
    if isinstance(checkpoint, NotOurs):
        return checkpoint
    return Placed(reading, checkpoint.model, checkpoint.step, tasks[0], study.metric_of(tasks[0]), checkpoint.owner)


def _order(task: str, answered: Mapping[Key, Sequence[Sample]]) -> list[str]:
    """Return the documents of a task in the order of its first file. Raises `UserError` where another file's differ."""
    orders = {key: [sample.key for sample in samples] for key, samples in answered.items() if key[2] == task}
    if not orders:
        return []
    (first, order), *others = orders.items()
    if len(set(order)) != len(order):
        raise UserError(f"task {task!r}: {first[0]} step {first[1]} has {len(order) - len(set(order))} documents twice")
    for (model, step, _), other in others:
        differing = len(set(order) ^ set(other))
        if differing or len(other) != len(order):
            raise UserError(
                f"task {task!r}: {model} step {step} was asked other documents than {first[0]} step {first[1]} "
                f"({differing} differ); compare what was asked the same, or take one of them out"
            )
    return order


def _write_scores(
    study: Study,
    answered: Mapping[Key, Sequence[Sample]],
    placed: Mapping[Key, tuple[SamplesFile, Placed]],
    orders: Mapping[str, Sequence[str]],
    folder: Path,
) -> None:
    rows = []
    for model in study.models:
        for step in study.steps_of(model):
            keys = [key for key in answered if key[:2] == (model.name, step)]
            tables = [_table(key[2], answered[key], orders[key[2]]) for key in keys]
            made = {key[2]: {"source": str(placed[key][0].path), "way": "imported"} for key in keys}
            path = folder / "scores" / model.name / f"step{step}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            scores = pd.concat(tables, ignore_index=True) if tables else empty_scores()
            write_scores(scores, path, {"model": model.name, "step": str(step), "tasks": made})
            rows.append(_checkpoint_row(study, model.name, step, [placed[key][1] for key in keys]))
    write_table(pd.DataFrame(rows, columns=list(TABLES["checkpoints"])), folder / "checkpoints.tsv", "checkpoints")


def _checkpoint_row(study: Study, name: str, step: int, ones: Sequence[Placed]) -> dict[str, object]:
    model = study.model(name)
    first = ones[0].reading if ones else Reading(Path(), name, None, "", None, 0.0)
    return {
        "model": name, "parameters": model.parameters, "step": step,
        "tokens": tokens_of(first, model, step, study, Notes()), "source": f"import:{first.model}",
        "revision": first.revision, "commit": f"import-{name}-{step}", "format": None, "bytes": 0,
        "files": json.dumps({}), "sizes": json.dumps({}), "status": "ok" if ones else "missing",
        "detail": "" if ones else "in none of the imported files", "shared": None, "used": bool(ones),
    }  # fmt: skip


def _table(task: str, samples: Sequence[Sample], order: Sequence[str]) -> pd.DataFrame:
    place = {key: number for number, key in enumerate(order)}
    rows = [
        (task, place[sample.key], choice, label, value, 0, len(text),
         len(text.encode()), len(text.split()), greedy, float("nan"), sample.question.running)
        for sample in samples
        for choice, (label, text, value, greedy) in enumerate(zip(
            sample.question.labels, sample.question.measured or sample.question.choices,
            sample.loglikelihood or (float("nan"),), sample.is_greedy or (bool(sample.right),), strict=True,
        ))
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(TYPES | {"task": object}).sort_values(["question", "choice"]).reset_index(drop=True)

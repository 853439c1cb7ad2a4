"""The stage `import_accuracy`: results made elsewhere in; `accuracy.tsv`, and what became of every file, out."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from trajectories.errors import UserError
from trajectories.files import file_sha256
from trajectories.imports import tidy
from trajectories.imports.files import files_of
from trajectories.imports.formats import FORMATS
from trajectories.imports.notes import Notes
from trajectories.imports.placing import Placed, place
from trajectories.imports.published import published_file
from trajectories.imports.reading import Reading
from trajectories.questions.averages import with_averages
from trajectories.study.config import Study
from trajectories.study.metrics import IMPORTED, METRICS
from trajectories.study.models import Model
from trajectories.study.sections import Import
from trajectories.study.sources import PYTHIA_TOKENS
from trajectories.study.sources import tokens_of as configured_tokens
from trajectories.tables import COLUMNS, write_table

logger = logging.getLogger(__name__)


def import_accuracy(
    study: Study,
    accuracy: Path | str,
    files: Path | str,
    notes: Path | str,
    fetched: Path | str,
    told: Sequence[str] = (),
) -> None:
    """Write `accuracy.tsv` from what `study.imported` names, a table of its files, and one of what was left out.

    `fetched` is where the published file is put if it has to be downloaded; `told` are sentences about the config
    that go to the notes. Raises `UserError` where nothing is left, or a number would be wrong.
    """
    noted = Notes()
    for sentence in told:
        noted.add("read from the files", sentence)
    readings, unusable = read_import(study, fetched, noted)
    placed = place(readings, study, noted)
    if not placed:
        raise UserError(
            f"import: no number of {paths_of(study)} is of this study's models, steps and tasks; {_summary(noted)}"
        )
    table = accuracy_table(placed, study, noted)
    write_table(table, accuracy, "accuracy")
    tell(study, placed, imported_files(readings, placed, unusable), noted, files, notes)


def tell(
    study: Study, placed: Sequence[Placed], imported: pd.DataFrame, noted: Notes, files: Path | str, notes: Path | str
) -> None:
    """Write the tables on files and on what was left out, and say the latter in the log."""
    _note_gaps(placed, study, noted)
    _note_ways(placed, noted)
    write_table(imported, files, "imported")
    write_table(noted.table(), notes, "import_notes")
    for line in noted.lines():
        logger.warning(line)


def reference_accuracy(study: Study, out: Path | str, fetched: Path | str) -> None:
    """Write the published accuracies, as far as `study` has a place for them, as an accuracy table to compare with.

    They come from the folder `study.data`, else are downloaded to `fetched`. Raises `UserError` when they cannot be
    had, or there is nothing among them that the study has.
    """
    readings = tidy.read_tidy_file(published_file(study.data, fetched))
    notes = Notes()
    placed = place(readings, _by_name_alone(study), notes)
    if not placed:
        raise UserError("reference: the published study has no model, step and task of this study")
    write_table(accuracy_table(placed, study, notes), out, "accuracy")


def _by_name_alone(study: Study) -> Study:
    """Return the study with models known by their names, wherever its own checkpoints lie."""
    nowhere: dict[str, object] = {"hub": None, "folder": None}
    return study.model_copy(
        update={
            "imported": Import(format="published"),
            "models": [model.model_copy(update=nowhere | {"revision": None}) for model in study.models],
            "checkpoints": study.checkpoints.model_copy(update=nowhere | {"revision": "step{step}"}),
        }
    )


def read_import(study: Study, fetched: Path | str, notes: Notes) -> tuple[list[Reading], dict[Path, str]]:
    """Read what `study.imported` names; return the numbers, and the files that could not be used with the reason.

    Raises `UserError` when no file can be used.
    """
    source = study.imported
    if source is None:
        raise UserError("import: the study has no import section, so there is nothing to read")
    read, endings = FORMATS[source.format]
    if source.format == "published":
        path = source.path or study.data
        files = [published_file(path if isinstance(path, str) else path[0] if path else None, fetched)]
    elif source.path is None:
        raise UserError(f"import.path: format {source.format!r} needs the files or folders to read")
    else:
        files = files_of(source.path, endings)
    readings: list[Reading] = []
    unusable: dict[Path, str] = {}
    for file in files:
        try:
            found = read(file)
        except UserError as error:
            if source.others == "refuse" or len(files) == 1:
                raise
            unusable[file] = str(error)
            notes.add("unusable files", str(error))
            continue
        if not found:
            notes.add("files without results", str(file))
        readings += found
    if not readings:
        first = next(iter(unusable.values()), "they hold no results")
        raise UserError(f"import: none of the {len(files)} files can be used, the first: {first}")
    return readings, unusable


def accuracy_table(placed: Sequence[Placed], study: Study, notes: Notes) -> pd.DataFrame:
    """Return the accuracy table of numbers in their places, in the order in which scored accuracies stand."""
    rows = [_row(one, study, notes) for one in placed]
    table = pd.DataFrame(rows, columns=list(COLUMNS["accuracy"]))
    return with_averages(_in_order(_with_questions(table), study), study.averages)


def imported_files(readings: Sequence[Reading], placed: Sequence[Placed], unusable: Mapping[Path, str]) -> pd.DataFrame:
    """Return a row per file: its sha256, how many numbers were taken and left out, how it was made."""
    taken: dict[Path, int] = {}
    for one in placed:
        taken[one.reading.file] = taken.get(one.reading.file, 0) + 1
    of_file: dict[Path, list[Reading]] = {}
    for reading in readings:
        of_file.setdefault(reading.file, []).append(reading)
    rows = [_file_row(file, found, taken.get(file, 0)) for file, found in of_file.items() if file not in unusable]
    rows += [{"file": str(file), "sha256": file_sha256(file), "rows": 0, "left_out": 0, "reason": why}
             for file, why in unusable.items()]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS["imported"]))


def _file_row(file: Path, found: Sequence[Reading], taken: int) -> dict[str, object]:
    first = found[0]
    told = {name: sorted({str(value) for reading in found if (value := getattr(reading, name)) is not None})
            for name in ("shots", "version")}  # fmt: skip
    return {
        "file": str(file), "sha256": file_sha256(file), "rows": taken, "left_out": len(found) - taken, "reason": "",
        "model": first.model, "revision": first.revision or "", "shots": ", ".join(told["shots"]),
        "version": ", ".join(told["version"][:4]), "harness": first.made.harness, "commit": first.made.commit,
        "limit": first.made.limit, "dtype": first.made.dtype, "peft": first.made.peft,
    }  # fmt: skip


def _row(one: Placed, study: Study, notes: Notes) -> Mapping[str, object]:
    reading = one.reading
    tokens = tokens_of(reading, one.model, one.step, study, notes)
    return {
        "model": one.model.name, "parameters": one.model.parameters, "step": one.step, "tokens": tokens,
        "task": one.task.name, "metric": one.metric, "value": reading.value, "stderr": reading.stderr,
        "questions": reading.questions,
    }  # fmt: skip


def tokens_of(reading: Reading, model: Model, step: int, study: Study, notes: Notes) -> int:
    """Return the tokens seen at a step: as the config says, else as the file does, else as in Pythia, which is noted.

    Raises `UserError` where config and file disagree.
    """
    given = reading.tokens
    try:
        configured: int | None = configured_tokens(model, study.checkpoints, step)
    except UserError:
        configured = None
    if configured is None:
        if given is not None:
            return given
        notes.add("tokens per step taken to be Pythia's, 2,097,152", model.name)
        return step * PYTHIA_TOKENS
    sections = (model, study.checkpoints)
    said = any(part.tokens is not None or part.tokens_per_step is not None for part in sections)
    if given is None or given == configured:
        return configured
    if not said:  # Pythia's by its name alone: the file knows better
        return given
    raise UserError(
        f"{reading.file}: has {given} tokens for {model.name} step {step}, the config {configured} "
        "(step × tokens_per_step); correct one of them"
    )


def _with_questions(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Fill unknown question counts with the one count that all other readings of the task agree on, if they do."""
    known = accuracy.dropna(subset="questions").groupby("task")["questions"].unique()
    agreed = {task: counts[0] for task, counts in known.items() if len(counts) == 1}
    counts = accuracy["questions"].astype("Int64")
    return accuracy.assign(questions=counts.fillna(accuracy["task"].map(agreed).astype("Int64")))


def _in_order(accuracy: pd.DataFrame, study: Study) -> pd.DataFrame:
    models = {model.name: place for place, model in enumerate(study.models)}
    metrics = {name: place for place, name in enumerate([*METRICS, *IMPORTED])}
    order = pd.DataFrame(
        {"model": accuracy["model"].map(models), "step": accuracy["step"], "task": accuracy["task"],
         "metric": accuracy["metric"].map(metrics)}
    )  # fmt: skip
    return accuracy.loc[order.sort_values(list(order.columns)).index].reset_index(drop=True)


def _note_gaps(placed: Sequence[Placed], study: Study, notes: Notes) -> None:
    there = {(one.model.name, one.step, one.task.name) for one in placed}
    for model in study.models:
        for step in study.steps_of(model):
            for task in study.tasks:
                if (model.name, step, task.name) not in there:
                    notes.add("accuracies of the study that are in no file", f"{model.name} step {step} {task.name}")


def _note_ways(placed: Sequence[Placed], notes: Notes) -> None:
    """Note what a reader must know of how the numbers were made."""
    limited = {str(one.reading.file): one.reading.made.limit for one in placed if one.reading.made.limit}
    for file, limit in limited.items():
        notes.add("made with a limit: they cover part of each task only", f"{file}: {limit}")
    versions = sorted({one.reading.made.harness for one in placed if one.reading.made.harness})
    if len(versions) > 1:
        notes.add("versions of the harness", ", ".join(versions), len(versions))


def paths_of(study: Study) -> str:
    """Return what an import reads, for messages."""
    path = study.imported.path if study.imported is not None else None
    return path if isinstance(path, str) else ", ".join(path or ["the published study"])


def _summary(notes: Notes) -> str:
    return "; ".join(line.removeprefix("import: ") for line in notes.lines()) or "the files hold none"

"""Local checkpoints: whether their folders are there, and hold what a checkpoint holds."""

from collections.abc import Sized
from pathlib import Path

from trajectories.checkpoints.audit_folders import folder_path
from trajectories.checkpoints.staged import chosen_files
from trajectories.errors import UserError
from trajectories.preflight.findings import Findings
from trajectories.study.config import Study
from trajectories.study.models import Model
from trajectories.study.sources import source_of

LISTED = 8  # steps that one line names
OPENED = 300  # folders whose files are looked at, the first of every model's


def look_at_suite(study: Study, findings: Findings) -> dict[str, Path]:
    """Look at the checkpoint folders of every model; return the last that is there, by model."""
    last = {}
    most = max(1, OPENED // len(study.models))
    for model in study.models:
        pattern = source_of(model, study.checkpoints)[1]
        if pattern is None:
            continue
        try:
            folders = {step: folder_path(pattern, model.name, step) for step in study.steps_of(model)}
        except UserError as error:
            findings.wrong(error)
            continue
        there = {step: folder for step, folder in folders.items() if folder.is_dir()}
        _look_at_folders(study, model, folders, there, findings)
        if study.checkpoints.anomalies == "stop":
            _look_into(model, list(there.values())[:most], findings)
        if there:
            last[model.name] = there[max(there)]
    return last


def _look_at_folders(
    study: Study, model: Model, folders: dict[int, Path], there: dict[int, Path], findings: Findings
) -> None:
    policy = study.checkpoints.anomalies
    missing = [step for step in folders if step not in there]
    if not there:
        first = next(iter(folders.values()))
        findings.wrong(
            f"model {model.name}: no checkpoint is there, looked for {first}{_and_more(folders)}{_where(first)}"
        )
    elif missing and policy == "stop":
        findings.wrong(
            f"model {model.name}: {_steps(missing)} missing ({folders[missing[0]]}{_and_more(missing)}); take them out "
            "of steps, or set checkpoints.anomalies: exclude to do without them"
        )


def _look_into(model: Model, folders: list[Path], findings: Findings) -> None:
    for folder in folders:
        try:
            chosen_files(folder)
        except UserError as error:
            findings.wrong(f"model {model.name}: {error}")
            return


def _steps(steps: list[int]) -> str:
    named = ", ".join(map(str, steps[:LISTED])) + (f" and {len(steps) - LISTED} more" if len(steps) > LISTED else "")
    return f"step {named} is" if len(steps) == 1 else f"steps {named} are"


def _and_more(items: Sized) -> str:
    return " and others" if len(items) > 1 else ""


def _where(folder: Path) -> str:
    return "" if folder.is_absolute() else f"; paths count from {Path.cwd()}"

"""The stage `export`: accuracies as result files of the evaluation harness, one per checkpoint, and as parquet."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from trajectories.files import whole_file
from trajectories.imports.names import MC_TASKS, OURS
from trajectories.provenance import versions
from trajectories.study.config import Study
from trajectories.study.metrics import LESS_IS_BETTER, record_of
from trajectories.study.sources import source_of
from trajectories.tables import read_table

THEIRS: Mapping[str, str] = {ours: theirs for theirs, ours in OURS.items() if theirs not in ("em", "ppl")}
"""The harness's name of a metric, where it has one of its own."""


def write_export(study: Study, accuracy: Path | str, folder: Path | str, table: Path | str) -> None:
    """Write `<folder>/<model>/results_step<step>.json` in the harness's v0.4 layout, and all accuracies to `table`.

    What is read back, by the harness's tools or by an import of this project, are the same numbers to the last bit.
    """
    values = read_table(accuracy, "accuracy")
    with whole_file(table) as part:
        values.to_parquet(part, index=False)
    shutil.rmtree(folder, ignore_errors=True)
    for _, rows in values.groupby(["model", "step"], sort=False):
        model, step = str(rows["model"].iloc[0]), int(rows["step"].iloc[0])
        path = Path(folder) / model / f"results_step{step}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_text(json.dumps(result_file(study, model, step, rows), indent=2), encoding="utf-8")


def result_file(study: Study, model: str, step: int, rows: pd.DataFrame) -> dict[str, Any]:
    """Return the results of one checkpoint (its rows of the accuracy table) as the harness lays them out."""
    tasks = {str(name): part for name, part in rows.groupby("task", sort=False)}
    shots = {task.name: (task.harness and task.harness.shots) or task.shots for task in study.tasks}
    return {
        "results": {name: {"alias": name} | _metrics(name, part) for name, part in tasks.items()},
        "group_subtasks": {name: [] for name in tasks},
        "configs": {name: {"task": name, "num_fewshot": shots.get(name)} for name in tasks},
        "versions": dict.fromkeys(tasks, 0),
        "n-shot": {name: shots[name] for name in tasks if name in shots},  # averages have none of their own
        "higher_is_better": {name: _sides(name, part) for name, part in tasks.items()},
        "n-samples": {name: _counts(part) for name, part in tasks.items()},
        "config": {"model": "hf", "model_args": _arguments(study, model, step), "limit": None},
        "model_name": model,
        "made_by": versions(),
    }


def _name(task: str, metric: str) -> str:
    if MC_TASKS.get(task) == metric:
        return "acc"
    return metric if task in MC_TASKS else THEIRS.get(metric, metric)


def _metrics(task: str, rows: pd.DataFrame) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for metric, value, stderr in zip(rows["metric"], rows["value"], rows["stderr"], strict=True):
        name = _name(task, str(metric))
        name, _, way = name.removesuffix(LESS_IS_BETTER).partition(",")
        found[f"{name},{way or 'none'}"] = float(value)
        found[f"{name}_stderr,{way or 'none'}"] = "N/A" if pd.isna(stderr) else float(stderr)
    return found


def _sides(task: str, rows: pd.DataFrame) -> dict[str, bool]:
    sides = {_name(task, str(metric)): record_of(str(metric)).higher_is_better for metric in rows["metric"]}
    return {name.removesuffix(LESS_IS_BETTER).partition(",")[0]: better for name, better in sides.items()}


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    counts = rows["questions"].dropna()
    return {"original": int(counts.max()), "effective": int(counts.max())} if len(counts) else {}


def _arguments(study: Study, model: str, step: int) -> str:
    record = study.model(model)
    hub, folder = source_of(record, study.checkpoints)
    if folder is not None:
        return f"pretrained={folder.format(model=model, step=step)}"
    return f"pretrained={hub.format(model=model, step=step) if hub else model},revision=step{step}"

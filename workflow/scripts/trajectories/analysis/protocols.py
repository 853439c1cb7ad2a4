"""The shape of each task under each way of asking it, side by side: the form of Wei et al.'s summary (2022)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from trajectories.questions.task import Task
from trajectories.tables import COLUMNS, read_table, write_table

UNSURE = "unsure"
"""Both ways of finding a shape find another one."""


def write_protocols(*, tasks: Sequence[str], shapes: Path | str, largest: str, last: int, output: Path | str) -> None:
    """Write `protocols.tsv`. `tasks` are canonical JSON, `largest` is the largest model and `last` its last step."""
    records = [Task.model_validate_json(task) for task in tasks]
    write_table(protocols_table(records, read_table(shapes, "shapes"), largest, last), output, "protocols")


def protocols_table(tasks: Sequence[Task], shapes: pd.DataFrame, largest: str, last: int) -> pd.DataFrame:
    """Return one row per task and way of asking it, columns `COLUMNS["protocols"]`, of tasks asked in several ways.

    `over_size` is the shape over parameters at the last step, `over_training` that of the largest model over tokens,
    `over_compute` that over all checkpoints; `shape` is the first of size and compute that is known.
    """
    labels = {task.name: task.title for task in tasks}
    several = {task.of for task in tasks if task.of}
    rows = [
        _row(task, labels, shapes[shapes["task"] == task.name], largest, last)
        for task in sorted(tasks, key=lambda task: list(labels).index(task.asks))
        if task.asks in several
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["protocols"]))


def _row(task: Task, labels: Mapping[str, str], shapes: pd.DataFrame, largest: str, last: int) -> dict[str, Any]:
    found = {
        "over_size": _shape(shapes, "parameters", f"step{last}"),
        "over_training": _shape(shapes, "tokens", largest),
        "over_compute": _shape(shapes, "compute", "all"),
    }
    shape = found["over_size"] or found["over_compute"]
    return {"task": task.asks, "label": labels[task.asks], "way": task.way, "asked": task.name, "shape": shape, **found}


def _shape(shapes: pd.DataFrame, axis: str, group: str) -> str | None:
    """Return the shape of a curve on which both ways of finding it agree; None where there is no such curve."""
    found = shapes[(shapes["axis"] == axis) & (shapes["group"] == group)]
    if found.empty or pd.isna(found["two_lines"].iloc[0]):
        return None
    one, other = str(found["two_lines"].iloc[0]), str(found["aicc"].iloc[0])
    return one if one == other else UNSURE


def matrix(table: pd.DataFrame) -> pd.DataFrame:
    """Return `protocols.tsv` as a row per task and a column per way, in their order, with the shape in each cell."""
    wide = table.pivot(index="label", columns="way", values="shape")
    wide = wide.loc[table["label"].drop_duplicates(), table["way"].drop_duplicates()]
    return wide.rename_axis(columns=None).reset_index().rename(columns={"label": "asked"})

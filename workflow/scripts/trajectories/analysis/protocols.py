"""Each task under each way of asking it, side by side: its shape, the form of Wei et al.'s summary (2022), and whether
another way than the first makes the largest model better or worse."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from trajectories.analysis.points import Metrics, correct, records
from trajectories.analysis.ways import BETTER, UNCHANGED, WORSE
from trajectories.questions.task import Task
from trajectories.study.metrics import sign_of
from trajectories.tables import COLUMNS, read_table, write_table

UNSURE = "unsure"
"""Both ways of finding a shape find another one."""


def write_protocols(
    *,
    tasks: Sequence[str],
    metrics: Metrics,
    shapes: Path | str,
    accuracy: Path | str,
    largest: str,
    last: int,
    alpha: float,
    output: Path | str,
) -> None:
    """Write `protocols.tsv`. `tasks` are canonical JSON, `largest` is the largest model and `last` its last step."""
    records = [Task.model_validate_json(task) for task in tasks]
    table = read_table(accuracy, "accuracy")
    there = table[(table["model"] == largest) & (table["step"] == last)]
    found = protocols_table(records, read_table(shapes, "shapes"), largest, last)
    write_table(with_changes(found, there, metrics, alpha), output, "protocols")


def protocols_table(tasks: Sequence[Task], shapes: pd.DataFrame, largest: str, last: int) -> pd.DataFrame:
    """Return one row per task and way of asking it, columns `COLUMNS["protocols"]`, of tasks asked in several ways.

    `over_size` is the shape over parameters at the last step, `over_training` that of the largest model over tokens,
    `over_compute` that over all checkpoints; `shape` is the first of size and compute that is known. The columns of
    `with_changes` are empty.
    """
    labels = {task.name: task.title for task in tasks}
    several = {task.of for task in tasks if task.of}
    rows = [
        _row(task, labels, shapes[shapes["task"] == task.name], largest, last)
        for task in sorted(tasks, key=lambda task: list(labels).index(task.asks))
        if task.asks in several
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["protocols"]))


def with_changes(table: pd.DataFrame, accuracy: pd.DataFrame, metrics: Metrics, alpha: float) -> pd.DataFrame:
    """Return `protocols_table` with what another way changes under one checkpoint, whose `accuracy` this is.

    `value` is that of the task's metric, `difference` that to the way in which the task itself is asked, where both
    have one metric; `stderr` is the root of the sum of both squared standard errors, as if other questions had been
    asked (too large where answers go together), `p` from their ratio, two-sided, and `p_fdr` corrected over all rows
    (Benjamini-Hochberg). `change` is better or worse where `p_fdr` is below `alpha`.
    """
    known = {(row["task"], row["metric"]): row for row in records(accuracy)}
    rows = [_changed(row, known, metrics) for row in records(table)]
    found = pd.DataFrame(rows, columns=list(COLUMNS["protocols"]))
    found["p_fdr"] = correct(found["p"].astype(float))
    good = [float(d or 0) * sign_of(str(m)) for d, m in zip(found["difference"], found["metric"], strict=True)]
    sure = (found["p_fdr"] < alpha).tolist()
    told = found["p_fdr"].notna().tolist()
    words = zip(good, sure, told, strict=True)
    found["change"] = [(BETTER if g > 0 else WORSE) if s else UNCHANGED if t else None for g, s, t in words]
    return found


def _changed(row: Mapping[str, Any], known: Mapping[tuple[str, str], Any], metrics: Metrics) -> dict[str, Any]:
    metric = metrics[row["asked"]]
    own, plain = known.get((row["asked"], metric)), known.get((row["task"], metric))
    told = dict(row) | {"metric": metric, "value": own["value"] if own else None}
    if own is None or plain is None or row["asked"] == row["task"] or metrics[row["task"]] != metric:
        return told
    difference, stderr = own["value"] - plain["value"], float(np.hypot(own["stderr"], plain["stderr"]))
    p = 2 * float(ndtr(-abs(difference) / stderr)) if stderr > 0 else 1.0 if difference == 0 else np.nan
    return told | {"difference": difference, "stderr": stderr, "p": p}


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

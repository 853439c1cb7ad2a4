"""A scored study against a reference: which cells, models and tasks replicate, and which do not.

Per cell (model, step, task) the difference is ours minus the reference's, with the standard error of two independent
samples of questions, sqrt(s1² + s2²). Both sides usually answer the same questions, so their errors go together and
this is an upper bound: what is called different is different, and a small difference may go unseen.

Pooled over the cells of one task the errors are taken to go together fully (the same questions at every checkpoint), so
the standard error of the mean difference is the mean of the standard errors; between tasks they are independent.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.points import Metrics, correct, table_of
from trajectories.analysis.tails import normal_tail
from trajectories.errors import UserError
from trajectories.tables import COLUMNS, read_table, write_table

logger = logging.getLogger(__name__)

CELL = ["model", "step", "task", "metric"]
IDENTICAL = 1e-9
"""Differences below this are rounding of the file, not of the scores."""


def write_compare(
    accuracy: Path | str,
    reference: Path | str,
    out: Path | str,
    summary_out: Path | str,
    *,
    metrics: Metrics,
    alpha: float,
) -> None:
    """Read two accuracy tables, write `compare.tsv` and `compare_summary.tsv`, and log the verdict on the whole.

    Raises `UserError` when the two have no cell in common.
    """
    compared = compare_table(read_table(accuracy, "accuracy"), read_table(reference, "accuracy"), metrics, alpha)
    if compared["difference"].isna().all():
        raise UserError(f"{reference}: has no model, step and task in common with {accuracy}; nothing to compare")
    summary = summary_table(compared, alpha)
    write_table(compared, out, "compare")
    write_table(summary, summary_out, "compare_summary")
    logger.info("note: compared with the reference: %s", summary["verdict"].iloc[0])


def compare_table(ours: pd.DataFrame, reference: pd.DataFrame, metrics: Metrics, alpha: float) -> pd.DataFrame:
    """Return one row per cell of either table, columns `COLUMNS["compare"]`, for the one metric of each task.

    Cells that only one side has stay in, with their verdict saying so and no difference.
    """
    joined = _chosen(ours, metrics).merge(_chosen(reference, metrics), on=CELL, how="outer", suffixes=("", "_ref"))
    difference = joined["value"] - joined["value_ref"]
    stderr = pd.Series(np.hypot(joined["stderr"], joined["stderr_ref"]), index=joined.index)
    z = _z(difference, stderr)
    p = _two_sided(z)
    table = joined.assign(
        parameters=joined["parameters"].fillna(joined["parameters_ref"]),
        tokens=joined["tokens"].fillna(joined["tokens_ref"]),
        own_stderr=joined["stderr"],
        reference=joined["value_ref"],
        reference_stderr=joined["stderr_ref"],
        difference=difference,
        stderr=stderr,
        z=z,
        p=p,
        p_fdr=correct(p),
    )
    table = table.assign(verdict=_cell_verdicts(table, alpha))[list(COLUMNS["compare"])]
    return table.sort_values(["parameters", "model", "step", "task"], kind="stable").reset_index(drop=True)


def summary_table(compared: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return one row for the whole, one per task and one per model, columns `COLUMNS["compare_summary"]`.

    `p_fdr` is corrected over tasks and models together; the row for the whole stands by itself.
    """
    table = table_of([_summary(scope, name, rows) for scope, name, rows in _groups(compared)], "compare_summary")
    parts = table["scope"] != "all"
    table["p_fdr"] = correct(table["p"].where(parts)).where(parts, table["p"])
    return table.assign(verdict=[_summary_verdict(row, alpha) for _, row in table.iterrows()])


def _chosen(accuracy: pd.DataFrame, metrics: Metrics) -> pd.DataFrame:
    rows = accuracy[accuracy["task"].map(metrics) == accuracy["metric"]]
    twice = rows.duplicated(CELL)
    if twice.any():
        row = rows[twice].iloc[0]
        raise UserError(f"accuracies: {row.model} step {row.step}, {row.task} ({row.metric}) is there twice")
    return rows[[*CELL, "parameters", "tokens", "value", "stderr"]]


def _z(difference: pd.Series, stderr: pd.Series) -> pd.Series:
    """Return difference / standard error; 0 where both are equal, infinite where they differ without any error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = difference / stderr
    return z.mask(difference.abs() < IDENTICAL, 0.0)


def _two_sided(z: pd.Series) -> pd.Series:
    return pd.Series(2 * normal_tail(z.abs().to_numpy(float)), index=z.index)


def _cell_verdicts(table: pd.DataFrame, alpha: float) -> np.ndarray:
    """Return the verdict on each cell (n): the first of these that is true of it."""
    cases = {
        "only in the reference": table["value"].isna(),
        "not in the reference": table["reference"].isna(),
        "identical": table["difference"].abs() < IDENTICAL,
        "no standard error to judge by": table["p_fdr"].isna(),
        "within sampling error": table["p_fdr"] >= alpha,
        "higher than the reference": table["difference"] > 0,
    }
    return np.select(list(cases.values()), list(cases), "lower than the reference")


def _groups(compared: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    yield "all", "all cells", compared
    for task, rows in compared.groupby("task", sort=False):
        yield "task", str(task), rows
    for model, rows in compared.groupby("model", sort=False):
        yield "model", str(model), rows


def _summary(scope: str, name: str, rows: pd.DataFrame) -> dict[str, object]:
    both = rows.dropna(subset="difference")
    mean, stderr = _pooled(both)
    z = float(_z(pd.Series([mean]), pd.Series([stderr])).iloc[0])
    verdicts = both["verdict"]
    return {
        "scope": scope,
        "name": name,
        "cells": len(rows),
        "compared": len(both),
        "identical": int((verdicts == "identical").sum()),
        "higher": int((verdicts == "higher than the reference").sum()),
        "lower": int((verdicts == "lower than the reference").sum()),
        "mean_difference": mean,
        "largest_difference": _largest(both["difference"]),
        "stderr": stderr,
        "z": z,
        "p": float(_two_sided(pd.Series([z])).iloc[0]),
    }


def _pooled(rows: pd.DataFrame) -> tuple[float, float]:
    """Return the mean difference and its standard error: errors go together within a task, not between tasks."""
    known = rows.dropna(subset="stderr")
    if known.empty:
        return float(rows["difference"].mean()), float("nan")
    sums = known.groupby("task")["stderr"].sum()
    return float(known["difference"].mean()), float(np.sqrt((sums**2).sum()) / len(known))


def _largest(differences: pd.Series) -> float:
    return float("nan") if differences.empty else float(differences.iloc[int(differences.abs().argmax())])


def _summary_verdict(row: pd.Series, alpha: float) -> str:
    if not row["compared"]:
        return "nothing to compare"
    differing = row["higher"] + row["lower"]
    lean = "higher" if row["mean_difference"] > 0 else "lower"
    if differing:
        sides = " and ".join(f"{row[side]} {side}" for side in ("higher", "lower") if row[side])
        return f"does not replicate: {differing} of {row['compared']} cells differ ({sides})"
    if row["p_fdr"] < alpha:
        return f"every cell within sampling error, but {lean} on the whole"
    return "identical" if row["identical"] == row["compared"] else "replicates"

"""What every analysis starts from: the points of one task, and p-values corrected together."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajectories.errors import UserError
from trajectories.study.metrics import sign_of
from trajectories.tables import COLUMNS, read_table

TEXT = {"reason", "verdict", "note", "flag", "plane", "outcome", "constant_by", "by"}
"""Columns in which nothing is an empty text, not a missing number."""

logger = logging.getLogger(__name__)

Metrics = Mapping[str, str]
"""Task → the metric that stands for it."""


def read_accuracy(path: Path | str, from_tokens: float = 0, sizes: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read `accuracy.tsv` without the checkpoints that have seen fewer than `from_tokens` tokens (the warm-up).

    With the size of each model (`Study.sizes`), the table has a column `size`.
    """
    table = read_table(path, "accuracy")
    kept = table[table["tokens"] >= from_tokens].reset_index(drop=True)
    return kept if sizes is None else kept.assign(size=kept["model"].map(sizes))


def task_rows(accuracy: pd.DataFrame, task: str, metric: str) -> pd.DataFrame:
    """Return the rows of one task and metric with a finite value, smallest model first, by step within a model.

    They have a column `size`: models of one size are runs of it. Where the table lacks it, equal parameters are one
    size. Step 0 is among the rows; `task_points` leaves it out. Raises `UserError` when a checkpoint is there twice.
    """
    rows = accuracy[(accuracy["task"] == task) & (accuracy["metric"] == metric)]
    twice = rows.duplicated(["model", "step"])
    if twice.any():
        row = rows[twice].iloc[0]
        raise UserError(f"accuracies: {row.model} step {row.step}, {task} ({metric}) is there twice; keep one row")
    finite = rows[np.isfinite(rows["value"].astype(float))]
    return with_size(finite).sort_values(["parameters", "model", "tokens"], kind="stable").reset_index(drop=True)


def with_size(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column `size`; where it had none, equal parameters are one size."""
    if "size" in accuracy.columns:
        return accuracy
    return accuracy.assign(size=[f"{count:.15g}" for count in accuracy["parameters"].astype(float)])


def task_points(accuracy: pd.DataFrame, task: str, metric: str) -> pd.DataFrame:
    """Return `task_rows` without checkpoints that have seen no token, which have no place on a log axis."""
    rows = task_rows(accuracy, task, metric)
    return rows[rows["tokens"] > 0].reset_index(drop=True)


def size_means(points: pd.DataFrame) -> pd.DataFrame:
    """Return one point per step and size (`task_points`), by step, the smallest first: the mean of the size's runs.

    Runs of a size share what is the size's own, so over sizes only their mean counts. Parameters are averaged in log;
    the standard error stays that of one run, because runs answer the same questions.
    """
    twice = points.duplicated(["step", "size"])
    several = points["step"].isin(points.loc[twice, "step"])
    means = [points[~several], *([_run_means(points[several])] if several.any() else [])]
    return pd.concat(means).sort_values(["step", "parameters"], kind="stable")


def _run_means(points: pd.DataFrame) -> pd.DataFrame:
    """Return one point per step and size; the means of a step are those of its rows alone, to the last bit."""
    first = points.groupby(["step", "size"], sort=False).first().reset_index().sort_values("step", kind="stable")
    numbers = points[["parameters", "value", "stderr"]].astype(float).assign(size=pd.factorize(points["size"])[0])
    means = []
    for place in points.groupby("step").indices.values():
        step = numbers.iloc[place]
        logs = step.assign(parameters=np.log(step["parameters"]))
        mean = logs.groupby("size", sort=False).mean()
        means.append(mean.assign(parameters=np.exp(mean["parameters"])))
    return first.assign(**pd.concat(means).set_index(first.index))


def better(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the value turned over where lower is better (the loss), so that more is better."""
    sign = rows["metric"].map(sign_of).to_numpy(float)
    return rows.assign(value=sign * rows["value"].to_numpy(float))


def correct(p: pd.Series) -> pd.Series:
    """Return Benjamini & Hochberg's (1995) adjusted p-values; missing ones stay missing and do not count.

    The p of rank k among m becomes p m / k, but no more than any larger p becomes.
    """
    corrected = np.array(p, dtype=float)
    known = np.flatnonzero(~np.isnan(corrected))
    down = known[np.argsort(corrected[known])[::-1]]  # from the largest p
    ranked = corrected[down] * (len(down) / np.arange(len(down), 0, -1))
    corrected[down] = np.clip(np.minimum.accumulate(ranked), 0, 1)
    return pd.Series(corrected, index=p.index)


def varies(values: np.ndarray) -> bool:
    """Say whether the values differ by more than rounding."""
    return bool(np.ptp(values) > 1e-12 * max(1.0, float(np.abs(values).max())))


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return random numbers of their own for the thing of these names, whatever else the study has."""
    return np.random.default_rng([seed, *"/".join(names).encode()])


def table_of(rows: list[dict[str, object]], kind: str) -> pd.DataFrame:
    """Return rows as a table with the columns of `kind`; what a row lacks is missing (text columns: empty)."""
    table = pd.DataFrame(rows, columns=list(COLUMNS[kind]))
    for column in TEXT & set(table.columns):
        table[column] = table[column].astype(object).where(table[column].notna(), "")
    return table


def warn_of_missing(accuracy: pd.DataFrame, metrics: Metrics) -> None:
    """Log a warning for each task of which some values are missing."""
    for task, metric in metrics.items():
        rows = accuracy[(accuracy["task"] == task) & (accuracy["metric"] == metric)]
        missing = len(rows) - len(task_rows(accuracy, task, metric))
        if missing:
            logger.warning("%s (%s): %d of %d values are missing", task, metric, missing, len(rows))


def warn_of_reasons(table: pd.DataFrame, kind: str, by: str = "task") -> None:
    """Log one warning for each thing that could not be computed, with its reason."""
    for name, reason in table.loc[table["reason"] != "", [by, "reason"]].drop_duplicates().itertuples(index=False):
        logger.warning("%s: %s has no result: %s", kind, name, reason)

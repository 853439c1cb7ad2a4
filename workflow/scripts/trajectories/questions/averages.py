"""One value of several tasks, as the evaluation harness makes one of a group."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trajectories.questions.average import Average


def with_averages(accuracy: pd.DataFrame, averages: Sequence[Average]) -> pd.DataFrame:
    """Return the rows of `accuracy.tsv` (columns `COLUMNS["accuracy"]`), each checkpoint's averages after its tasks.

    An average has a row for each metric that all of its tasks have; `questions` is how many they have together. Where
    every question weighs the same, `stderr` is the pooled one, sqrt(sum((n - 1) n s^2) / (N - tasks) / N) for n
    questions of standard error s and N in all; where every task does, sqrt(sum(s^2)) / tasks. Both are the harness's.
    """
    if not averages or accuracy.empty:
        return accuracy
    parts = [_with(rows, averages) for _, rows in accuracy.groupby(["model", "step"], sort=False)]
    return pd.concat(parts, ignore_index=True).astype(accuracy.dtypes)


def _with(accuracy: pd.DataFrame, averages: Sequence[Average]) -> pd.DataFrame:
    rows = [row for average in averages for row in _rows(accuracy, average)]
    return pd.concat([accuracy, pd.DataFrame(rows, columns=accuracy.columns)]) if rows else accuracy


def _rows(accuracy: pd.DataFrame, average: Average) -> list[dict[str, object]]:
    parts = accuracy[accuracy["task"].isin(average.tasks)]
    found = []
    for metric, rows in parts.groupby("metric", sort=False):
        known = average.weight == "tasks" or rows["questions"].notna().all()
        if len(rows) == len(average.tasks) and known:
            size, value, stderr = (rows[name].astype(float).to_numpy() for name in ("questions", "value", "stderr"))
            weight = size if average.weight == "questions" else np.ones(len(rows))
            own = {
                "task": average.name,
                "metric": metric,
                "questions": int(size.sum()) if np.isfinite(size).all() else None,
            }
            own |= {"value": float(np.average(value, weights=weight)), "stderr": _stderr(stderr, size, average.weight)}
            found.append(dict(rows.iloc[0]) | own)
    return found


def _stderr(stderr: np.ndarray, size: np.ndarray, weight: str) -> float:
    if weight == "tasks":
        return float(np.sqrt((stderr**2).sum()) / len(stderr))
    free = size.sum() - len(size)
    return float(np.sqrt(((size - 1) * size * stderr**2).sum() / free / size.sum())) if free else float("nan")

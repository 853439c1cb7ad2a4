"""One value of several tasks, as the evaluation harness makes one of a group."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from trajectories.questions.average import Average


def with_averages(accuracy: pd.DataFrame, averages: Sequence[Average]) -> pd.DataFrame:
    """Return the rows of one checkpoint (columns `COLUMNS["accuracy"]`), and after them those of the averages.

    An average has a row for each metric that all of its tasks have; `questions` is how many they have together. Where
    every question weighs the same, `stderr` is the pooled one, sqrt(sum((n - 1) n s^2) / (N - tasks) / N) for n
    questions of standard error s and N in all; where every task does, sqrt(sum(s^2)) / tasks. Both are the harness's.
    """
    rows = [row for average in averages for row in _rows(accuracy, average)]
    if not rows:
        return accuracy
    return pd.concat([accuracy, pd.DataFrame(rows, columns=accuracy.columns)], ignore_index=True)


def _rows(accuracy: pd.DataFrame, average: Average) -> list[dict[str, object]]:
    parts = accuracy[accuracy["task"].isin(average.tasks)]
    found = []
    for metric, rows in parts.groupby("metric", sort=False):
        if len(rows) == len(average.tasks):
            size, value, stderr = (rows[name].to_numpy(float) for name in ("questions", "value", "stderr"))
            weight = size if average.weight == "questions" else np.ones(len(rows))
            own = {"task": average.name, "metric": metric, "questions": int(size.sum())}
            own |= {"value": float(np.average(value, weights=weight)), "stderr": _stderr(stderr, size, average.weight)}
            found.append(dict(rows.iloc[0]) | own)
    return found


def _stderr(stderr: np.ndarray, size: np.ndarray, weight: str) -> float:
    if weight == "tasks":
        return float(np.sqrt((stderr**2).sum()) / len(stderr))
    free = size.sum() - len(size)
    return float(np.sqrt(((size - 1) * size * stderr**2).sum() / free / size.sum())) if free else float("nan")

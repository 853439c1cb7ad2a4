"""Answers that are no answers: checkpoints at which a model says the same whatever it is asked.

A trajectory that goes from one constant answer to the other moves its accuracy from one label's share to the other's
and measures nothing. Where scores are there, `answers.tsv` says which checkpoints are so. From accuracies alone it can
be told where the accuracies of constant answers are known (a task's `constants`), and suspected where one value comes
back far more often than chance allows: nobody gets exactly 38 of 104 questions right at every second checkpoint.
"""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from trajectories.analysis.points import Metrics, records, task_rows
from trajectories.study.metrics import record_of

FLAGS = ("model", "step", "task", "constant", "by")
SUSPICIOUS = 0.25
"""A value that so large a share of the checkpoints has exactly is suspicious, or two that add up to 1 twice that."""

ENDS = 1e-9
"""Values this close to 0 or 1 are suspicious only together: a task may simply be solved."""


def constant_flags(
    accuracy: pd.DataFrame,
    metrics: Metrics,
    constants: Mapping[str, Collection[float]] | None = None,
    answers: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return one row per checkpoint and task, columns `FLAGS`; `by` is answers, constants or repetition.

    `answers` (`answers.tsv`) is believed where it has the task; else `constants`, the accuracies of constant answers
    per task; else repetition.
    """
    parts = [pd.DataFrame(columns=list(FLAGS))]
    for task, metric in metrics.items():
        rows = task_rows(accuracy, task, metric)
        constant, by = _flags(rows, task, constants or {}, answers)
        parts.append(rows[["model", "step"]].assign(task=task, constant=constant, by=by))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def known_levels(tasks: pd.DataFrame) -> tuple[dict[str, float], dict[str, tuple[float, ...]]]:
    """Return what guessing and what constant answers score, per task, from `tasks.tsv`; unknown ones are left out."""
    rows = records(tasks)
    chance = {str(row["task"]): float(row["chance"]) for row in rows if pd.notna(row["chance"])}
    texts = {str(row["task"]): str(row["constants"]) for row in rows if pd.notna(row["constants"])}
    return chance, {task: tuple(map(float, text.split())) for task, text in texts.items() if text}


def flags_of(points: pd.DataFrame, flags: pd.DataFrame) -> np.ndarray:
    """Return for each point (n) of one task whether it is flagged; one that `flags` does not know is not."""
    known = {(row.model, row.step, row.task) for row in flags[flags["constant"].astype(bool)].itertuples(index=False)}
    keys = zip(points["model"], points["step"], points["task"], strict=True)
    return np.array([key in known for key in keys], dtype=bool)


def below_chance(points: pd.DataFrame, chance: float | None) -> float:
    """Return how many points lie more than two standard errors of guessing below chance."""
    if (
        chance is None
        or not np.isfinite(chance)
        or points.empty
        or not record_of(str(points["metric"].iloc[0])).is_share
    ):
        return float("nan")
    questions = points["questions"].to_numpy(float)
    guessing = np.sqrt(chance * (1 - chance) / np.where(np.isfinite(questions), questions, np.nan))
    error = np.where(np.isfinite(guessing), guessing, points["stderr"].to_numpy(float))
    return float(np.sum(points["value"].to_numpy(float) < chance - 2 * error))


def _flags(
    rows: pd.DataFrame, task: str, constants: Mapping[str, Collection[float]], answers: pd.DataFrame | None
) -> tuple[np.ndarray, str]:
    told = answers[answers["task"] == task] if answers is not None else None
    if told is not None and len(told):
        truth = told["constant"].astype(str).str.lower() == "true"
        constant = set(zip(told.loc[truth, "model"], told.loc[truth, "step"], strict=True))
        flagged = np.array([key in constant for key in zip(rows["model"], rows["step"], strict=True)], bool)
        return flagged, str(told["by"].iloc[0])
    if rows.empty or not record_of(str(rows["metric"].iloc[0])).is_share:
        return np.zeros(len(rows), dtype=bool), ""
    given = tuple(constants.get(task, ()))
    known = given or suspected(rows)
    values = rows["value"].to_numpy(float)
    half = 0.5 / np.nan_to_num(rows["questions"].to_numpy(float), nan=1e4)
    near = (np.abs(values[:, None] - np.array(known).reshape(1, -1)) < half[:, None]).any(axis=1)
    by_chance = _usual(rows if near.all() else rows[~near])  # of one value: what the other checkpoints vary by
    if near.mean() < 3 * by_chance * len(known):
        return np.zeros(len(rows), dtype=bool), ""
    return np.asarray(near), "constants" if given else "repetition"


def suspected(rows: pd.DataFrame) -> tuple[float, ...]:
    """Return the values of one task that come back too often to be anything but constant answers."""
    values, counts = np.unique(np.round(rows["value"].to_numpy(float), 6), return_counts=True)
    usual = _usual(rows)
    found: list[float] = []
    for value, count in zip(values[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True):
        other = int(counts[np.isclose(values, 1 - value, atol=2e-4)].sum())
        pair = value != 0.5 and other > 1
        alone = ENDS < value < 1 - ENDS and count / len(rows) >= max(SUSPICIOUS, 3 * usual)
        if alone or (pair and (count + other) / len(rows) >= max(2 * SUSPICIOUS, 6 * usual)):
            found.append(value)
    return tuple(found) if len(rows) >= 8 else ()


def _usual(rows: pd.DataFrame) -> float:
    """Return how often the likeliest number of right answers comes by sampling alone."""
    value, stderr = rows["value"].to_numpy(float), rows["stderr"].to_numpy(float)
    questions = rows["questions"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        inferred = np.where(stderr > 0, value * (1 - value) / stderr**2 + 1, np.nan)
    known = np.where(np.isfinite(questions), questions, inferred)
    known = known[np.isfinite(known)]
    typical = float(np.median(known)) if len(known) else 100.0
    spread = np.sqrt(typical * np.median(np.clip(value * (1 - value), 0.01, 0.25)))
    return float(0.4 / max(spread, 0.4))

"""What each trajectory does: trend, best checkpoint, drop from best to last; and who declines.

Every p-value allows for the noise of neighbouring checkpoints being alike (`serial`). How far a trend depends on how
alike it is stands beside it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajectories.analysis.dependence import Noise, slope_p, slopes
from trajectories.analysis.drops import FEWEST, Drops, DropTest
from trajectories.analysis.pairs import median_slope, tau
from trajectories.analysis.points import Metrics, correct, generator, read_accuracy, records, table_of
from trajectories.analysis.serial import LEVELS, by_grid
from trajectories.analysis.tails import t_beyond
from trajectories.analysis.trajectory import Serial, Trajectory, noise_of, on_log_axis, trajectories
from trajectories.study.metrics import sign_of
from trajectories.tables import write_table

Row = dict[str, object]
NEIGHBOURS = "noise of neighbouring checkpoints correlates"


def trends_table(
    accuracy: pd.DataFrame, metrics: Metrics, serial: Serial = "auto", alpha: float = 0.05, seed: int = 1
) -> pd.DataFrame:
    """Return one row per model and task, columns `COLUMNS["trends"]`.

    `tau` (Kendall, step 0 included) and `slope` (Theil & Sen; metric per tenfold tokens) describe. The test is that of
    `trend`, a line by generalised least squares whose noise correlates by `serial` between neighbours. `drop` is best
    minus last value, never negative (`drops`). `p_fdr` and `drop_p_fdr` are corrected over all rows
    (Benjamini-Hochberg). `serial_limit` is the correlation up to which the corrected verdict stands, if it is
    significant; else the one up to which it would be.
    """
    found = trajectories(accuracy, metrics)
    if not found:
        return table_of([], "trends")
    noise = noise_of(found, serial)
    rows = [_described(trajectory, own) for trajectory, own in zip(found, noise, strict=True)]
    table = table_of(rows, "trends").astype({"best_step": float})
    table = table.assign(**_tested(found, noise), **_dropped(found, noise, seed))
    table = table.assign(p_fdr=correct(table["p"]), drop_p_fdr=correct(table["drop_p"]))
    limits = _limits(_p_at_every_level(found, noise[0]), table, alpha)
    short = table["p"].isna()
    table["serial_limit"] = np.where(short, np.nan, limits)
    table["finding"] = [_finding(row, alpha) for row in records(table)]
    table["reason"] = ["" if known else _too_few(one) for one, known in zip(found, ~short, strict=True)]
    return table_of(records(table), "trends").astype({"best_step": int, "last_step": int})


def _too_few(trajectory: Trajectory) -> str:
    return f"too few points ({len(trajectory.curve[0])}; {FEWEST} are needed)"


def _described(trajectory: Trajectory, noise: Noise) -> Row:
    x, y = trajectory.curve
    return {
        "model": trajectory.model,
        "parameters": trajectory.parameters,
        "task": trajectory.task,
        "metric": trajectory.metric,
        "points": len(trajectory.value),
        "serial": noise.neighbours,
        "lag": "log tokens" if noise.by_tokens else "checkpoint",
        "white": noise.white,
        "tau": tau(trajectory.value),
        "slope": median_slope(x, y),
        "first": trajectory.value[0],
        "last_step": trajectory.step[-1],
        "last_tokens": trajectory.tokens[-1],
        "last": trajectory.value[-1],
    }


def _tested(found: list[Trajectory], noise: list[Noise]) -> dict[str, np.ndarray]:
    """Return slope, 95 % interval and p of the line of each trajectory; missing below `FEWEST` points."""
    out = {name: np.full(len(found), np.nan) for name in ("trend", "trend_low", "trend_high", "p")}
    for places, x, samples, own in _alike(found, noise):
        slope, stderr = slopes(x, samples, own.over(x))
        reach = t_beyond(0.025, len(x) - 2) * stderr
        out["trend"][places], out["p"][places] = slope, slope_p(x, samples, own.over(x))
        out["trend_low"][places], out["trend_high"][places] = slope - reach, slope + reach
    return out


def _p_at_every_level(found: list[Trajectory], kind: Noise) -> np.ndarray:
    """Return p of each trajectory under every level of correlation, none of it white, corrected by level (m x 20)."""
    p = np.full((len(found), len(LEVELS)), np.nan)
    for column, level in enumerate(LEVELS.tolist()):
        noise = replace(kind, rho=level, white=0.0)
        for places, x, samples, _ in _alike(found, [noise] * len(found)):
            p[places, column] = slope_p(x, samples, noise.over(x))
    return np.stack([correct(pd.Series(column)).to_numpy() for column in p.T], axis=1)


def _limits(p: np.ndarray, table: pd.DataFrame, alpha: float) -> np.ndarray:
    """Return up to which level each trend is significant, looking up from its own if it is there, else down from it."""
    limits = np.full(len(p), np.nan)
    sure = (table["p_fdr"] < alpha).to_numpy()
    for row, (significant, level) in enumerate(zip(p < alpha, table["serial"], strict=True)):
        if sure[row]:
            end = LEVELS[(level < LEVELS) & ~significant].min(initial=np.inf)
            limits[row] = max(level, LEVELS[end > LEVELS].max())
        elif significant[level > LEVELS].any():
            limits[row] = LEVELS[(level > LEVELS) & significant].max()
    return limits


def _finding(row: dict[str, Any], alpha: float) -> str:
    """Say in words what the trend is and on which correlation that rests."""
    if pd.isna(row["p"]):
        return "too few steps"
    direction = "falls" if row["trend"] < 0 else "rises"
    if row["p_fdr"] < alpha:
        if row["serial_limit"] >= LEVELS[-1]:
            return f"{direction}, even if {NEIGHBOURS} by {LEVELS[-1]:g}"
        return f"{direction}, unless {NEIGHBOURS} by more than {row['serial_limit']:g}"
    if pd.isna(row["serial_limit"]):
        return "not significant"
    return f"not significant; {direction} if {NEIGHBOURS} by no more than {row['serial_limit']:g}"


def _dropped(found: list[Trajectory], noise: list[Noise], seed: int) -> dict[str, np.ndarray]:
    """Return the columns about the drop; its p-values are missing below `FEWEST` points."""
    names = ("drop", "drop_stderr", "drop_stderr_questions", "checkpoint_sd", "drop_p", "drop_p_questions")
    out = {name: np.full(len(found), np.nan) for name in (*names, "best", "best_step", "best_tokens")}
    for places, _, _, own in _alike(found, noise, whole=True):
        group = [found[place] for place in places]
        sign = np.array([sign_of(one.metric) for one in group])
        values, stderr = np.array([one.value for one in group]), np.array([one.stderr for one in group])
        drops = _drops(on_log_axis(group[0].tokens), sign[:, None] * values, stderr, own, seed)
        numbers = (drops.drop, drops.stderr, drops.questions, drops.checkpoints, drops.p, drops.p_questions)
        for name, column in zip(names, numbers, strict=True):
            out[name][places] = column
        rows = np.arange(len(group))
        out["best"][places] = values[rows, drops.best]
        out["best_step"][places], out["best_tokens"][places] = group[0].step[drops.best], group[0].tokens[drops.best]
    return out


def _drops(x: np.ndarray, values: np.ndarray, stderr: np.ndarray, noise: Noise, seed: int) -> Drops:
    if len(x) >= FEWEST:
        return DropTest(x, noise.over(x), generator(seed, "drops"))(values, stderr)
    best, missing = values.argmax(axis=1), np.full(len(values), np.nan)
    drop = values.max(axis=1) - values[:, -1]
    return Drops(best, drop, missing, missing, missing, missing, missing)


def _alike(
    found: list[Trajectory], noise: list[Noise], whole: bool = False
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, Noise]]:
    """Return places, x (n), values (m x n) and noise of trajectories that share steps and noise.

    Without `whole` step 0 is left out, and with it whoever has fewer than `FEWEST` other points.
    """
    curves = [(one.tokens, one.value) if whole else one.curve for one in found]
    groups = []
    for places in by_grid(curves):
        x = curves[places[0]][0]
        for own in dict.fromkeys(noise[place] for place in places):
            chosen = np.array([place for place in places if noise[place] == own])
            if whole or len(x) >= FEWEST:
                groups.append((chosen, x, np.array([curves[place][1] for place in chosen]), own))
    return groups


Rule = Callable[[dict[str, Any], float], bool]

RULES: dict[str, Rule] = {
    "last below best": lambda row, alpha: row["drop"] > 0,
    "last below first": lambda row, alpha: sign_of(row["metric"]) * (row["last"] - row["first"]) < 0,
    "last below best beyond questions, corrected p": lambda row, alpha: row["drop_p_questions_fdr"] < alpha,
    "last below best beyond questions and checkpoints, corrected p": lambda row, alpha: row["drop_p_fdr"] < alpha,
    "negative Theil-Sen slope": lambda row, alpha: sign_of(row["metric"]) * row["slope"] < 0,
    "falling trend, p": lambda row, alpha: sign_of(row["metric"]) * row["trend"] < 0 and row["p"] < alpha,
    "falling trend, corrected p": lambda row, alpha: sign_of(row["metric"]) * row["trend"] < 0 and row["p_fdr"] < alpha,
}  # fmt: skip
"""Ways to say that a trajectory declines, from the loosest to the strictest."""


def declines_table(trends: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """Return, per model and rule of `RULES`, on how many tasks the model declines and on which.

    A comparison with a missing number counts as no decline. Columns `COLUMNS["declines"]`.
    """
    rows: list[Row] = []
    judged = trends.assign(drop_p_questions_fdr=correct(trends["drop_p_questions"]))
    for (parameters, model), group in judged.groupby(["parameters", "model"]):
        own = records(group)
        for name, rule in RULES.items():
            tasks = [row["task"] for row in own if rule(row, alpha)]
            rows.append(
                {
                    "model": model,
                    "parameters": parameters,
                    "rule": name,
                    "count": len(tasks),
                    "of": len(own),
                    "tasks": ", ".join(tasks),
                }
            )
    return table_of(rows, "declines")


def write_trends(
    accuracy: Path | str,
    trends: Path | str,
    declines: Path | str,
    metrics: Metrics,
    serial: Serial = "auto",
    alpha: float = 0.05,
    seed: int = 1,
    from_tokens: float = 0,
) -> None:
    """Read `accuracy.tsv`, write `trends.tsv` and `declines.tsv`."""
    table = trends_table(read_accuracy(accuracy, from_tokens), metrics, serial, alpha, seed)
    write_table(table, trends, "trends")
    write_table(declines_table(table, alpha), declines, "declines")

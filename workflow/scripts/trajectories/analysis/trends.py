"""What each trajectory does: rank trend, slope, best checkpoint, drop from best to last; and who declines.

Trajectories are taken as they are: their points are few and not independent, so a p-value here says how surprising
the order of the points would be if every order were equally likely, no more.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm, theilslopes

from trajectories.analysis.kendall import rank_trend
from trajectories.analysis.points import Metrics, correct, read_accuracy, records, table_of, task_rows
from trajectories.study.metrics import sign_of
from trajectories.tables import write_table

FEWEST = 4
"""A rank trend over fewer points can never have p < 0.05."""


def trends_table(accuracy: pd.DataFrame, metrics: Metrics) -> pd.DataFrame:
    """Return one row per model and task, columns `COLUMNS["trends"]`.

    `tau`, `p`: Mann-Kendall over the steps (step 0 included). `slope`: Theil-Sen, metric per tenfold tokens, with
    its 95 % interval (Sen 1968; scipy). `drop`: best minus last value, never negative; `drop_stderr` treats the two
    checkpoints' questions as independent, which is too wide where answers agree; `drop_p` is one-sided and multiplied
    by the number of checkpoints before the last, because the best one was picked after the fact. `p_fdr` and
    `drop_p_fdr` are corrected over all rows (Benjamini-Hochberg).
    """
    rows: list[dict[str, object]] = []
    for task, metric in metrics.items():
        for _, trajectory in task_rows(accuracy, task, metric).groupby(["parameters", "model"]):
            rows.append(_trend(trajectory, task, metric))
    table = table_of(rows, "trends")
    table["p_fdr"] = correct(table["p"])
    table["drop_p_fdr"] = correct(table["drop_p"])
    return table


def _trend(trajectory: pd.DataFrame, task: str, metric: str) -> dict[str, object]:
    row: dict[str, object] = {
        "model": trajectory["model"].iloc[0],
        "parameters": trajectory["parameters"].iloc[0],
        "task": task,
        "metric": metric,
        "points": len(trajectory),
        "reason": "",
    }
    row |= _best_and_last(trajectory, sign_of(metric))
    if len(trajectory) < FEWEST:
        return row | {"reason": f"too few points ({len(trajectory)}; {FEWEST} are needed)"}
    trend = rank_trend(trajectory["value"].to_numpy(float))
    return row | {"tau": trend.tau, "p": trend.p, "method": trend.method} | _slope(trajectory)


def _slope(trajectory: pd.DataFrame) -> dict[str, object]:
    seen = trajectory[trajectory["tokens"] > 0]
    if len(seen) < 2:
        return {}
    found = theilslopes(seen["value"].to_numpy(float), np.log10(seen["tokens"].to_numpy(float)), 0.95)
    return {"slope": found[0], "slope_low": found[2], "slope_high": found[3]}


def _best_and_last(trajectory: pd.DataFrame, sign: float) -> dict[str, object]:
    value = trajectory["value"].to_numpy(float)
    best, last = int(np.argmax(sign * value)), len(value) - 1
    errors = trajectory["stderr"].to_numpy(float)[[best, last]]
    stderr = 0.0 if best == last else float(np.hypot(*errors))
    drop = sign * (value[best] - value[last])
    return {
        "first": value[0],
        "best_step": trajectory["step"].iloc[best],
        "best_tokens": trajectory["tokens"].iloc[best],
        "best": value[best],
        "last_step": trajectory["step"].iloc[last],
        "last_tokens": trajectory["tokens"].iloc[last],
        "last": value[last],
        "drop": drop,
        "drop_stderr": stderr,
        "drop_p": drop_p(drop, stderr, last),
    }


def drop_p(drop: float, stderr: float, earlier: int) -> float:
    """Return the p-value of a fall from the best of `earlier` checkpoints to the last one.

    One-sided normal, Bonferroni over the earlier checkpoints: if nothing changed, P(p <= alpha) <= alpha.
    Missing where the standard error is; 1 where there is no drop.
    """
    if drop <= 0 or earlier == 0:
        return 1.0
    if not math.isfinite(stderr):
        return math.nan
    return 0.0 if stderr == 0 else min(1.0, earlier * float(norm.sf(drop / stderr)))


Rule = Callable[[dict[str, Any], float], bool]

RULES: dict[str, Rule] = {
    "last below best": lambda row, alpha: row["drop"] > 0,
    "last below first": lambda row, alpha: sign_of(row["metric"]) * (row["last"] - row["first"]) < 0,
    "last below best, corrected p": lambda row, alpha: row["drop_p_fdr"] < alpha,
    "negative Theil-Sen slope": lambda row, alpha: sign_of(row["metric"]) * row["slope"] < 0,
    "Theil-Sen interval below 0": lambda row, alpha: max(
        sign_of(row["metric"]) * bound for bound in (row["slope_low"], row["slope_high"])
    ) < 0,
    "falling rank trend, p": lambda row, alpha: sign_of(row["metric"]) * row["tau"] < 0 and row["p"] < alpha,
    "falling rank trend, corrected p": lambda row, alpha: sign_of(row["metric"]) * row["tau"] < 0
    and row["p_fdr"] < alpha,
}  # fmt: skip
"""Ways to say that a trajectory declines, from the loosest to the strictest."""


def declines_table(trends: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """Return, per model and rule of `RULES`, on how many tasks the model declines and on which.

    A comparison with a missing number counts as no decline. Columns `COLUMNS["declines"]`.
    """
    rows: list[dict[str, object]] = []
    for (parameters, model), group in trends.groupby(["parameters", "model"]):
        for name, rule in RULES.items():
            tasks = [row["task"] for row in records(group) if rule(row, alpha)]
            rows.append(
                {
                    "model": model,
                    "parameters": parameters,
                    "rule": name,
                    "count": len(tasks),
                    "of": len(group),
                    "tasks": ", ".join(tasks),
                }
            )
    return table_of(rows, "declines")


def write_trends(
    accuracy: Path | str,
    trends: Path | str,
    declines: Path | str,
    metrics: Metrics,
    alpha: float = 0.05,
    from_tokens: float = 0,
) -> None:
    """Read `accuracy.tsv`, write `trends.tsv` and `declines.tsv`."""
    table = trends_table(read_accuracy(accuracy, from_tokens), metrics)
    write_table(table, trends, "trends")
    write_table(declines_table(table, alpha), declines, "declines")

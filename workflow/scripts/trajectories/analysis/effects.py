"""How large each effect is in the metric's own unit, and which effects the data exclude: nulls that can be read.

Standardised coefficients cannot be compared with anything, so every cell is also given as what twice the parameters, or
ten times the tokens, change, with the interval of the CR2 test (`clustered`). A cell that is not significant may be
small or unknown: two one-sided tests (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15) against the
smallest effect of interest tell these apart.
"""

import numpy as np
import pandas as pd

from trajectories.analysis.points import Metrics, correct, records, table_of, task_points
from trajectories.analysis.tails import t_beyond, t_tail
from trajectories.analysis.terms import CHANGES
from trajectories.study.metrics import record_of

Row = dict[str, object]


def effects_table(
    accuracy: pd.DataFrame,
    metrics: Metrics,
    sensitivity: pd.DataFrame,
    survival: pd.DataFrame,
    smallest: float = 0.02,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Return one row per cell, columns `COLUMNS["effects"]`.

    `outcome` is `effect` where the cell holds (`survival`), else `no effect beyond ±…` where the equivalence test says
    so after correction, else `undecided`; empty where nothing can be said.
    """
    robust = {(row["task"], row["term"]): row for row in records(sensitivity[sensitivity["check"] == "cr2"])}
    points = {task: task_points(accuracy, task, metric) for task, metric in metrics.items()}
    rows = [
        _row(points[task], task, metric, robust[task, term], smallest, alpha)
        for task, metric in metrics.items()
        for term in CHANGES
    ]
    table = table_of(rows, "effects")
    table["p_equivalence_fdr"] = correct(table["p_equivalence"])
    verdicts = {(row["task"], row["term"]): row["verdict"] for row in records(survival)}
    outcomes = [_outcome(row, verdicts.get((row["task"], row["term"]), ""), smallest, alpha) for row in records(table)]
    return table.assign(outcome=outcomes)


def _row(points: pd.DataFrame, task: str, metric: str, robust: Row, smallest: float, alpha: float) -> Row:
    term = str(robust["term"])
    row: Row = {"task": task, "metric": metric, "term": term, "change": CHANGES[term], "smallest": smallest}
    if robust["reason"]:
        return row | {"reason": robust["reason"]}
    unit = unit_of(points, term)
    beta, stderr, df = (float(str(robust[name])) for name in ("beta", "stderr", "df"))
    effect, error = beta * unit, stderr * unit
    half = t_beyond(alpha / 2, df) * error
    equivalence = float(t_tail((smallest - abs(effect)) / error, df))
    return row | {"effect": effect, "low": effect - half, "high": effect + half, "p_equivalence": equivalence}


def unit_of(points: pd.DataFrame, term: str) -> float:
    """Return the effect, in the metric, of one standardised coefficient of `term`."""
    spread = points["value"].to_numpy(float).std(ddof=1)
    doubling = np.log10(2) / np.log10(points["parameters"].to_numpy(float)).std(ddof=1)
    tenfold = 1 / np.log10(points["tokens"].to_numpy(float)).std(ddof=1)
    return float(spread * {"parameters": doubling, "tokens": tenfold, "interaction": doubling * tenfold}[term])


def no_effect(smallest: float, metric: str) -> str:
    """Return the words for an effect that is excluded: in points where the metric is a share."""
    return (
        f"no effect beyond ±{smallest * 100:g} points"
        if record_of(metric).is_share
        else f"no effect beyond ±{smallest:g}"
    )


def _outcome(row: Row, verdict: str, smallest: float, alpha: float) -> str:
    if row["reason"] or not verdict or verdict == "constant answers":
        return ""
    if verdict == "holds":
        return "effect"
    return no_effect(smallest, str(row["metric"])) if float(str(row["p_equivalence_fdr"])) < alpha else "undecided"

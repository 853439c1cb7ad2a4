"""Does each cell of Table 1 survive other assumptions? One row per cell and check, and one table of verdicts.

Checks; those marked * go by size, however many runs it has, and the first four are the rule (`verdicts.RULE`):

- cr2*: standard errors clustered by size, each cluster's residuals relieved of its leverage, Satterthwaite degrees of
  freedom (`clustered`);
- mixed*: random level and token slope per size, and per run within it, REML, t with sizes - 2 df (`mixed`);
- wild_bootstrap*: wild cluster bootstrap by size (`clustered`);
- permutation*: sizes' levels and slopes dealt out anew, or their signs turned (`shuffles`);
- hc3: heteroscedasticity-consistent standard errors (MacKinnon & White 1985), statsmodels;
- cluster*: the usual clustered errors with G/(G-1) * (n-1)/(n-k), t with sizes - 1 df: what packages give by default;
- leave_size_out, leave_step_out: the regression without each size or step in turn; the range of t, the largest p;
- exact_parameters, body_parameters: real parameter counts instead of nominal ones, with and without embeddings;
- logit: the logit of a share instead of the share, values of 0 and 1 moved in by half a question;
- items: the question-level model where scores are there (`items`);
- without_constant: without checkpoints that give the same answer to everything (`constants`);
- loss, margin: the continuous metrics instead of the thresholded one (Schaeffer, Miranda & Koyejo 2023).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from trajectories.analysis.checks import REFITS, Row, Setting, least_squares, leaves_nothing, no_result, other_metric
from trajectories.analysis.constants import constant_flags
from trajectories.analysis.points import (
    Metrics,
    correct,
    records,
    table_of,
    task_points,
)
from trajectories.analysis.regression import why_not
from trajectories.analysis.terms import TERMS
from trajectories.analysis.verdicts import CONSTANT, VERDICTS, can_tell, cell_verdict, level_of, verdict
from trajectories.tables import COLUMNS

CHECKS = COLUMNS["survival"][7:-2]
LEAVE_OUT = {"leave_size_out": "size", "leave_step_out": "step"}
CONTINUOUS = ("loss", "margin")

Cells = Mapping[tuple[str, str], Row]
Points = Mapping[str, pd.DataFrame]
"""Task → the points of its metric (`points.task_points`)."""


def sensitivity_table(accuracy: pd.DataFrame, metrics: Metrics, setting: Setting, alpha: float = 0.05) -> pd.DataFrame:
    """Return one row per task, check (first `paper`) and term, columns `COLUMNS["sensitivity"]`.

    Within a check, p-values of all tasks and terms are corrected together. `verdict` compares with the paper's test
    at `alpha` in the words of `verdicts.VERDICTS`; empty where the check has no result, and then `reason` says why.
    """
    if setting.flags is None:
        setting = replace(setting, flags=constant_flags(accuracy, metrics))
    points = {task: task_points(accuracy, task, metric) for task, metric in metrics.items()}
    refits = [_check(name, points, metrics, setting) for name in REFITS]
    for name in CONTINUOUS:
        others = {task: task_points(accuracy, task, name) for task in metrics}
        refits.append(_check(name, points, metrics, setting, others))
    paper = _check("paper", points, metrics, setting)
    cells = {(row["task"], row["term"]): row for row in records(paper)}
    judged = [_judged(refit, cells, alpha) for refit in refits]
    left_out = [_left_out(check, points, metrics, cells, alpha) for check in LEAVE_OUT]
    table = table_of([row for part in (paper, *judged, *left_out) for row in records(part)], "sensitivity")
    return _in_order(table, metrics)


def _in_order(table: pd.DataFrame, metrics: Metrics) -> pd.DataFrame:
    ranks = {name: rank for rank, name in enumerate(("paper", *CHECKS))}
    tasks = {name: rank for rank, name in enumerate(metrics)}
    order = np.lexsort((table["check"].map(ranks), table["task"].map(tasks)))
    return table.iloc[order].reset_index(drop=True)


def _check(name: str, points: Points, metrics: Metrics, setting: Setting, others: Points | None = None) -> pd.DataFrame:
    """Run one check on every task and correct its p-values together; `others` are the points of another metric."""
    rows: list[dict[str, object]] = []
    for task, metric in metrics.items():
        found = _run(name, points[task], metric, setting, None if others is None else others[task])
        common = {"task": task, "metric": metric, "check": name, "sizes": points[task]["size"].nunique()}
        rows += [{**common, "term": term, **row} for term, row in zip(TERMS, found, strict=True)]
    table = table_of(rows, "sensitivity")
    return table.assign(p_fdr=correct(table["p"]))


def _run(name: str, points: pd.DataFrame, metric: str, setting: Setting, other: pd.DataFrame | None) -> list[Row]:
    reason = why_not(points) or ("the fit leaves no residual" if leaves_nothing(points) else "")
    if reason:
        return no_result(reason)
    if other is not None:
        return other_metric(other, name, metric)
    return least_squares(points) if name == "paper" else REFITS[name](points, setting)


def _judged(refit: pd.DataFrame, cells: Cells, alpha: float) -> pd.DataFrame:
    level = level_of(refit["p_fdr"].to_numpy(float), alpha)
    return refit.assign(
        verdict=[verdict(cells[row["task"], row["term"]], row, alpha, _can_tell(row, level)) for row in records(refit)]
    )


def _can_tell(row: Row, level: float) -> bool:
    known = np.isfinite(row["p"])
    return known and can_tell(row["check"], row["term"], int(row["sizes"]), float(row["df"]), level)


def _left_out(check: str, points: Points, metrics: Metrics, cells: Cells, alpha: float) -> pd.DataFrame:
    """Refit all tasks without each size or step in turn; keep the range of t, the largest p, the worst verdict."""
    unit = LEAVE_OUT[check]
    refits = []
    for left in dict.fromkeys(name for rows in points.values() for name in rows[unit]):
        kept = {task: rows[rows[unit] != left].reset_index(drop=True) for task, rows in points.items()}
        refits.append(_judged(_check("paper", kept, metrics, Setting()), cells, alpha))
    together = pd.concat(refits) if refits else table_of([], "sensitivity")
    rows: list[dict[str, object]] = []
    for task, metric in metrics.items():
        for term in TERMS:
            cell = together[(together["task"] == task) & (together["term"] == term)]
            rows.append({"task": task, "metric": metric, "check": check, "term": term, **_worst(cell)})
    return table_of(rows, "sensitivity")


def _worst(refits: pd.DataFrame) -> Row:
    if refits.empty:
        return {"reason": "no values"}
    if refits["p"].isna().any():
        return {"reason": f"a refit has no result: {refits['reason'].max()}"}
    return {
        "beta": refits["beta"].median(),
        "t_low": refits["t"].min(),
        "t_high": refits["t"].max(),
        "p": refits["p"].max(),
        "p_fdr": refits["p_fdr"].max(),
        "verdict": min(refits["verdict"], key=VERDICTS.index),
    }


def survival_table(sensitivity: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """Return one row per cell of Table 1 with the verdict of every check, columns `COLUMNS["survival"]`.

    `verdict` is that of the rule (`verdicts.cell_verdict`); `checked` counts all checks that can tell, `held` those
    that agree with Table 1.
    """
    rows: list[Row] = []
    for _, group in sensitivity.groupby(["task", "term"], sort=False):
        verdicts = {str(row["check"]): row["verdict"] or "NA" for row in records(group)}
        paper = records(group[group["check"] == "paper"])[0]
        known = [verdicts[check] for check in CHECKS if verdicts[check] not in ("NA", "cannot tell")]
        rows.append(
            {
                **{column: paper[column] for column in ("task", "metric", "term", "beta", "t", "p_fdr")},
                "verdict": _cell(group, paper, verdicts, alpha),
                **{check: verdicts[check] for check in CHECKS},
                "checked": len(known),
                "held": sum(known.count(word) for word in ("holds", "nowhere significant")),
            }
        )
    return table_of(rows, "survival")


def _cell(group: pd.DataFrame, paper: Row, verdicts: Mapping[str, str], alpha: float) -> str:
    """Return the verdict on a cell; a task of constant answers says so in the note of `without_constant`."""
    if not np.isfinite(paper["p_fdr"]):
        return ""
    notes = group.loc[group["check"] == "without_constant", "note"].astype(str)
    constant = notes.str.startswith(CONSTANT).any() or (
        paper["p_fdr"] < alpha and verdicts["without_constant"] in ("lost", "reversed")
    )
    return cell_verdict(paper["p_fdr"] < alpha, verdicts, CONSTANT if constant else "")

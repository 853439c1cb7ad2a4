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
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from trajectories.analysis.checks import REFITS, Row, Setting, fitted, no_result, other_metric, rows_of
from trajectories.analysis.constants import constant_flags
from trajectories.analysis.ols import Fit
from trajectories.analysis.points import (
    TEXT,
    Metrics,
    correct,
    records,
    table_of,
    task_points,
)
from trajectories.analysis.terms import TERMS
from trajectories.analysis.verdicts import CONSTANT, VERDICTS, can_tell, cell_verdict, level_of, verdict
from trajectories.tables import COLUMNS

CHECKS = COLUMNS["survival"][7:-2]
LEAVE_OUT = {"leave_size_out": "size", "leave_step_out": "step"}
CONTINUOUS = ("loss", "margin")
BLANK: Row = {column: "" if column in TEXT else np.nan for column in COLUMNS["sensitivity"]}

Cells = Mapping[tuple[str, str], Row]
Points = Mapping[str, pd.DataFrame]
"""Task → the points of its metric (`points.task_points`)."""


@dataclass(frozen=True)
class Cases:
    """The points of every task, and the paper's regression of them."""

    metrics: Metrics
    points: Points

    @cached_property
    def fits(self) -> dict[str, Fit | str]:
        """Return, per task, its regression, or why there is nothing to test."""
        return {task: fitted(points) for task, points in self.points.items()}


def sensitivity_table(accuracy: pd.DataFrame, metrics: Metrics, setting: Setting, alpha: float = 0.05) -> pd.DataFrame:
    """Return one row per task, check (first `paper`) and term, columns `COLUMNS["sensitivity"]`.

    Within a check, p-values of all tasks and terms are corrected together. `verdict` compares with the paper's test
    at `alpha` in the words of `verdicts.VERDICTS`; empty where the check has no result, and then `reason` says why.
    """
    if setting.flags is None:
        setting = replace(setting, flags=constant_flags(accuracy, metrics))
    cases = Cases(metrics, {task: task_points(accuracy, task, metric) for task, metric in metrics.items()})
    refits = [_check(name, cases, setting) for name in REFITS]
    for name in CONTINUOUS:
        others = {task: task_points(accuracy, task, name) for task in metrics}
        refits.append(_check(name, cases, setting, others))
    paper = _check("paper", cases, setting)
    cells = {(row["task"], row["term"]): row for row in paper}
    judged = [_judged(refit, cells, alpha) for refit in refits]
    left_out = [_left_out(check, cases, cells, alpha) for check in LEAVE_OUT]
    table = table_of([row for part in (paper, *judged, *left_out) for row in part], "sensitivity")
    return _in_order(table, metrics)


def _in_order(table: pd.DataFrame, metrics: Metrics) -> pd.DataFrame:
    ranks = {name: rank for rank, name in enumerate(("paper", *CHECKS))}
    tasks = {name: rank for rank, name in enumerate(metrics)}
    order = np.lexsort((table["check"].map(ranks), table["task"].map(tasks)))
    return table.iloc[order].reset_index(drop=True)


def _check(name: str, cases: Cases, setting: Setting, others: Points | None = None) -> list[Row]:
    """Run one check on every task and correct its p-values together; `others` are the points of another metric."""
    rows: list[Row] = []
    for task, metric in cases.metrics.items():
        found = _run(name, cases, task, setting, None if others is None else others[task])
        common = {"task": task, "metric": metric, "check": name, "sizes": cases.points[task]["size"].nunique()}
        rows += [{**BLANK, **common, "term": term, **row} for term, row in zip(TERMS, found, strict=True)]
    corrected = correct(pd.Series([row["p"] for row in rows], dtype=float))
    return [{**row, "p_fdr": p} for row, p in zip(rows, corrected.tolist(), strict=True)]


def _run(name: str, cases: Cases, task: str, setting: Setting, other: pd.DataFrame | None) -> list[Row]:
    points, fit = cases.points[task], cases.fits[task]
    if isinstance(fit, str):
        return no_result(fit)
    if other is not None:
        return other_metric(other, name, cases.metrics[task])
    return rows_of(fit) if name == "paper" else REFITS[name](points, setting)


def _judged(refit: list[Row], cells: Cells, alpha: float) -> list[Row]:
    level = level_of(np.array([row["p_fdr"] for row in refit], dtype=float), alpha)
    return [
        {**row, "verdict": verdict(cells[row["task"], row["term"]], row, alpha, _can_tell(row, level))} for row in refit
    ]


def _can_tell(row: Row, level: float) -> bool:
    known = np.isfinite(row["p"])
    return bool(known) and can_tell(row["check"], row["term"], int(row["sizes"]), float(row["df"]), level)


def _left_out(check: str, cases: Cases, cells: Cells, alpha: float) -> list[Row]:
    """Refit all tasks without each size or step in turn; keep the range of t, the largest p, the worst verdict."""
    unit = LEAVE_OUT[check]
    places = {
        name: place for place, name in enumerate({name: 0 for rows in cases.points.values() for name in rows[unit]})
    }
    where = {task: rows[unit].map(places).to_numpy() for task, rows in cases.points.items()}
    numbers = {task: _numbers(rows) for task, rows in cases.points.items()}
    refits: dict[tuple[str, str], list[Row]] = {cell: [] for cell in cells}
    for left in places.values():
        kept = Cases(cases.metrics, {task: rows[where[task] != left] for task, rows in numbers.items()})
        for row in _judged(_check("paper", kept, Setting()), cells, alpha):
            refits[row["task"], row["term"]].append(row)
    return [
        {**BLANK, "task": task, "metric": cases.metrics[task], "check": check, "term": term, **_worst(found)}
        for (task, term), found in refits.items()
    ]


def _numbers(points: pd.DataFrame) -> pd.DataFrame:
    """Return all that the regression looks at, names as numbers: rows of it are left out a hundred times faster."""
    codes = {name: pd.factorize(points[name])[0] for name in ("model", "size")}
    return points[["parameters", "tokens", "value"]].astype(float).assign(**codes)


def _worst(refits: list[Row]) -> Row:
    if not refits:
        return {"reason": "no values"}
    if any(np.isnan(row["p"]) for row in refits):
        return {"reason": f"a refit has no result: {max(row['reason'] for row in refits)}"}
    return {
        "beta": float(np.median([row["beta"] for row in refits])),
        "t_low": min(row["t"] for row in refits),
        "t_high": max(row["t"] for row in refits),
        "p": max(row["p"] for row in refits),
        "p_fdr": max(row["p_fdr"] for row in refits),
        "verdict": min((row["verdict"] for row in refits), key=VERDICTS.index),
    }


def survival_table(sensitivity: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """Return one row per cell of Table 1 with the verdict of every check, columns `COLUMNS["survival"]`.

    `verdict` is that of the rule (`verdicts.cell_verdict`); `checked` counts all checks that can tell, `held` those
    that agree with Table 1.
    """
    cells: dict[tuple[str, str], dict[str, Row]] = {}
    for row in records(sensitivity):
        cells.setdefault((row["task"], row["term"]), {})[row["check"]] = row
    rows: list[dict[str, object]] = []
    for checks in cells.values():
        verdicts = {check: str(row["verdict"] or "NA") for check, row in checks.items()}
        paper = checks["paper"]
        known = [verdicts[check] for check in CHECKS if verdicts[check] not in ("NA", "cannot tell")]
        rows.append(
            {
                **{column: paper[column] for column in ("task", "metric", "term", "beta", "t", "p_fdr")},
                "verdict": _cell(str(checks["without_constant"]["note"]), paper, verdicts, alpha),
                **{check: verdicts[check] for check in CHECKS},
                "checked": len(known),
                "held": sum(known.count(word) for word in ("holds", "nowhere significant")),
            }
        )
    return table_of(rows, "survival")


def _cell(note: str, paper: Row, verdicts: Mapping[str, str], alpha: float) -> str:
    """Return the verdict on a cell; a task of constant answers says so in the `note` of `without_constant`."""
    if not np.isfinite(paper["p_fdr"]):
        return ""
    constant = note.startswith(CONSTANT) or (
        paper["p_fdr"] < alpha and verdicts["without_constant"] in ("lost", "reversed")
    )
    return cell_verdict(paper["p_fdr"] < alpha, verdicts, CONSTANT if constant else "")

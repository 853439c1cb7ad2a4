"""Does each cell of Table 1 survive other assumptions? One row per cell and check, and one table of verdicts.

Checks:

- hc3: heteroscedasticity-consistent standard errors (MacKinnon & White 1985), statsmodels;
- cluster: standard errors clustered by model, small-sample corrected, t with models - 1 df, statsmodels;
- wild_bootstrap: wild cluster bootstrap by model (`clustered`);
- mixed: random intercept and token slope per model, REML, t with models - 2 df (each slope is in effect estimated
  from one number per model), statsmodels;
- permutation: whole trajectories shuffled (`shuffles`);
- leave_model_out, leave_step_out: the regression without each model or step in turn; the range of t, the largest p;
- exact_parameters, body_parameters: real parameter counts instead of nominal ones, with and without embeddings;
- logit: the logit of a share instead of the share, values of 0 and 1 moved in by half a question;
- loss, margin: the continuous metrics instead of the thresholded one (Schaeffer, Miranda & Koyejo 2023).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajectories.analysis.checks import REFITS, Row, Setting, least_squares, no_result, other_metric
from trajectories.analysis.points import Metrics, correct, read_accuracy, records, table_of, task_points
from trajectories.analysis.regression import TERMS, why_not
from trajectories.tables import COLUMNS, write_table

CHECKS = COLUMNS["survival"][6:-2]
LEAVE_OUT = {"leave_model_out": "model", "leave_step_out": "step"}
CONTINUOUS = ("loss", "margin")
VERDICTS = ("reversed", "lost", "appears", "holds")
"""From worst to best."""

Cells = Mapping[tuple[str, str], Row]


def sensitivity_table(accuracy: pd.DataFrame, metrics: Metrics, setting: Setting, alpha: float = 0.05) -> pd.DataFrame:
    """Return one row per task, check (first `paper`) and term, columns `COLUMNS["sensitivity"]`.

    Within a check, p-values of all tasks and terms are corrected together. `verdict` compares with the paper's test
    at `alpha`: `holds` (both significant with one sign, or neither), `lost`, `appears`, `reversed`; empty where the
    check has no result, and then `reason` says why.
    """
    refits = [_check(name, accuracy, metrics, setting) for name in (*REFITS, *CONTINUOUS)]
    paper = _check("paper", accuracy, metrics, setting)
    cells = {(row["task"], row["term"]): row for row in records(paper)}
    judged = [_judged(refit, cells, alpha) for refit in refits]
    left_out = [_left_out(check, accuracy, metrics, cells, alpha) for check in LEAVE_OUT]
    table = table_of([row for part in (paper, *judged, *left_out) for row in records(part)], "sensitivity")
    return _in_order(table, metrics)


def _in_order(table: pd.DataFrame, metrics: Metrics) -> pd.DataFrame:
    ranks = {name: rank for rank, name in enumerate(("paper", *CHECKS))}
    tasks = {name: rank for rank, name in enumerate(metrics)}
    order = np.lexsort((table["check"].map(ranks), table["task"].map(tasks)))
    return table.iloc[order].reset_index(drop=True)


def _check(name: str, accuracy: pd.DataFrame, metrics: Metrics, setting: Setting) -> pd.DataFrame:
    """Run one check on every task and correct its p-values together."""
    rows: list[dict[str, object]] = []
    for task, metric in metrics.items():
        found = _run(name, task_points(accuracy, task, metric), accuracy, task, metric, setting)
        rows += [
            {"task": task, "metric": metric, "check": name, "term": term, **row}
            for term, row in zip(TERMS, found, strict=True)
        ]
    table = table_of(rows, "sensitivity")
    return table.assign(p_fdr=correct(table["p"]))


def _run(
    name: str, points: pd.DataFrame, accuracy: pd.DataFrame, task: str, metric: str, setting: Setting
) -> list[Row]:
    reason = why_not(points)
    if reason:
        return no_result(reason)
    if name in CONTINUOUS:
        return other_metric(task_points(accuracy, task, name), name, metric)
    return least_squares(points) if name == "paper" else REFITS[name](points, setting)


def _judged(refit: pd.DataFrame, cells: Cells, alpha: float) -> pd.DataFrame:
    return refit.assign(verdict=[verdict(cells[row["task"], row["term"]], row, alpha) for row in records(refit)])


def _left_out(check: str, accuracy: pd.DataFrame, metrics: Metrics, cells: Cells, alpha: float) -> pd.DataFrame:
    """Refit all tasks without each model or step in turn; keep the range of t, the largest p, the worst verdict."""
    unit = LEAVE_OUT[check]
    used = accuracy[accuracy["task"].isin(metrics)]
    refits = [
        _judged(_check("paper", used[used[unit] != left], metrics, Setting()), cells, alpha)
        for left in used[unit].unique()
    ]
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


def verdict(paper: Mapping[str, Any], row: Mapping[str, Any], alpha: float) -> str:
    """Compare one test with the paper's: one of `VERDICTS`, or empty where either has no p-value."""
    if np.isnan(paper["p_fdr"]) or np.isnan(row["p_fdr"]):
        return ""
    if paper["p_fdr"] >= alpha:
        return "appears" if row["p_fdr"] < alpha else "holds"
    if row["p_fdr"] >= alpha:
        return "lost"
    return "holds" if paper["beta"] * row["beta"] > 0 else "reversed"


def survival_table(sensitivity: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell of Table 1 with the verdict of every check, columns `COLUMNS["survival"]`.

    `checked` counts the checks with a result, `held` those that hold.
    """
    rows: list[Row] = []
    for _, group in sensitivity.groupby(["task", "term"], sort=False):
        verdicts = {str(row["check"]): row["verdict"] or "NA" for row in records(group)}
        paper = records(group[group["check"] == "paper"])[0]
        known = [verdicts[check] for check in CHECKS if verdicts[check] != "NA"]
        rows.append(
            {
                **{column: paper[column] for column in ("task", "metric", "term", "beta", "t", "p_fdr")},
                **{check: verdicts[check] for check in CHECKS},
                "checked": len(known),
                "held": known.count("holds"),
            }
        )
    return table_of(rows, "survival")


def write_sensitivity(
    accuracy: Path | str,
    sensitivity: Path | str,
    survival: Path | str,
    metrics: Metrics,
    setting: Setting,
    alpha: float = 0.05,
    from_tokens: float = 0,
) -> None:
    """Read `accuracy.tsv`, write `sensitivity.tsv` and `survival.tsv`."""
    table = sensitivity_table(read_accuracy(accuracy, from_tokens), metrics, setting, alpha)
    write_table(table, sensitivity, "sensitivity")
    write_table(survival_table(table), survival, "survival")

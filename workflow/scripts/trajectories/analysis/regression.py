"""The paper's regression: z-scored accuracy on z-scored log10 parameters and log10 tokens, and their product.

Source: Michaelov & Bergen (2023), "Emergent Inabilities? Inverse Scaling Over the Course of Pretraining".
"""

from pathlib import Path

import pandas as pd
from statsmodels.regression.linear_model import OLS, RegressionResultsWrapper

from trajectories.analysis.points import (
    Metrics,
    correct,
    read_accuracy,
    table_of,
    task_points,
    warn_of_missing,
    warn_of_reasons,
)
from trajectories.analysis.terms import TERMS, design_matrix, why_not, zscore
from trajectories.tables import write_table


def fit_regression(points: pd.DataFrame, **how: object) -> RegressionResultsWrapper:
    """Fit the paper's regression by least squares; `how` goes to statsmodels' `OLS.fit` (e.g. `cov_type`).

    The coefficients are in the order intercept, parameters, tokens, interaction.
    """
    return OLS(zscore(points["value"].to_numpy(float)), design_matrix(points)).fit(**how)


def regression_table(accuracy: pd.DataFrame, metrics: Metrics) -> pd.DataFrame:
    """Return one row per task and term, columns `COLUMNS["regression"]`.

    `p_fdr` corrects the p-values of all terms of all tasks together (Benjamini-Hochberg; intercepts do not count).
    Where a task has no fit, its numbers are missing and `reason` says why.
    """
    warn_of_missing(accuracy, metrics)
    rows = [row for task, metric in metrics.items() for row in _task_terms(accuracy, task, metric)]
    table = table_of(rows, "regression")
    table["p_fdr"] = correct(table["p"])
    warn_of_reasons(table, "regression")
    return table


def _task_terms(accuracy: pd.DataFrame, task: str, metric: str) -> list[dict[str, object]]:
    points = task_points(accuracy, task, metric)
    common: dict[str, object] = {"task": task, "metric": metric, "points": len(points), "reason": why_not(points)}
    if common["reason"]:
        return [{**common, "term": term} for term in TERMS]
    result = fit_regression(points)
    if result.ssr < 1e-20:
        return [{**common, "term": term, "reason": "the fit leaves no residual"} for term in TERMS]
    return [
        {
            **common,
            "term": term,
            "beta": result.params[index],
            "stderr": result.bse[index],
            "t": result.tvalues[index],
            "df": int(result.df_resid),
            "p": result.pvalues[index],
            "r_squared": result.rsquared,
        }
        for index, term in enumerate(TERMS, start=1)
    ]


def write_regression(accuracy: Path | str, output: Path | str, metrics: Metrics, from_tokens: float = 0) -> None:
    """Read `accuracy.tsv`, write `regression.tsv`."""
    write_table(regression_table(read_accuracy(accuracy, from_tokens), metrics), output, "regression")

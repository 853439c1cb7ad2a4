"""What must be true of a task before its cells may be read: that models answer, and that a plane describes them.

- constant: checkpoints at which a model gives everything the same answer (`constants`);
- below chance: checkpoints significantly below what guessing gives; a curve that dips there early and comes back is a U
  by arithmetic only;
- plane: whether a parabola in log tokens fits much better, tested between sizes as everything else, and whether the
  fitted plane stays within the metric's range.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import OLS

from trajectories.analysis.constants import below_chance, flags_of
from trajectories.analysis.lines import FEWEST_SIZES, RunCurves, run_curves
from trajectories.analysis.points import Metrics, correct, table_of, task_points
from trajectories.analysis.regression import fit_regression
from trajectories.analysis.terms import design_matrix, why_not
from trajectories.study.metrics import record_of

Row = dict[str, object]
BENT = 0.25
"""A parabola that explains this share of what the plane leaves is worth saying, if it is significant."""

OUTSIDE = 0.02
"""So far outside the metric's range the fitted plane may reach."""


def premises_table(
    accuracy: pd.DataFrame,
    metrics: Metrics,
    flags: pd.DataFrame,
    chance: Mapping[str, float] | None = None,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Return one row per task, columns `COLUMNS["premises"]`; `flags` are those of `constants.constant_flags`."""
    rows = [_row(accuracy, task, metric, flags, (chance or {}).get(task)) for task, metric in metrics.items()]
    table = table_of(rows, "premises")
    table["p_bend_fdr"] = correct(table["p_bend"])
    low, high = ([getattr(record_of(metric), end) for metric in table["metric"]] for end in ("low", "high"))
    bent = (table["p_bend_fdr"] < alpha) & (table["gain"] >= BENT)
    outside = (table["fitted_low"] < np.array(low) - OUTSIDE) | (table["fitted_high"] > np.array(high) + OUTSIDE)
    words = np.where(bent, "bent", np.where(outside, "leaves the range", "fits"))
    return table.assign(plane=np.where(table["reason"] == "", words, ""))


def _row(accuracy: pd.DataFrame, task: str, metric: str, flags: pd.DataFrame, chance: float | None) -> Row:
    points = task_points(accuracy, task, metric)
    flagged, by = flags_of(points, flags), flags.loc[flags["task"] == task, "by"]
    row: Row = {"task": task, "metric": metric, "points": len(points), "constant": int(flagged.sum())}
    row["constant_by"] = by.iloc[0] if flagged.any() else ""
    row |= {"chance": chance, "below_chance": below_chance(points, chance), "reason": why_not(points)}
    return row if row["reason"] else row | _fit(points)


def _fit(points: pd.DataFrame) -> Row:
    fit = fit_regression(points)
    values = points["value"].to_numpy(float)
    fitted = values.mean() + values.std(ddof=1) * fit.fittedvalues
    design = design_matrix(points)
    bend = np.square(design[:, 2])
    richer = OLS(fit.model.endog, np.column_stack([design, bend, bend * design[:, 1]])).fit()
    return {
        "r_squared": fit.rsquared,
        "gain": 1 - richer.ssr / fit.ssr if fit.ssr > 1e-20 else 0.0,
        "p_bend": _p_bend(run_curves(points)),
        "fitted_low": float(fitted.min()),
        "fitted_high": float(fitted.max()),
    }


def _p_bend(curves: RunCurves) -> float:
    """Return the p of the mean curvature and its change with size, whichever is smaller, times two."""
    place, curvature = curves.means()
    if len(place) < FEWEST_SIZES:
        return float("nan")
    fit = OLS(curvature, np.column_stack([np.ones(len(place)), place])).fit()
    return float(min(1.0, 2 * np.nanmin(fit.pvalues))) if fit.ssr > 1e-20 else float("nan")

"""Where a task's values vary: between sizes, between runs of a size, between checkpoints of a run, between questions.

The question of PolyPythias (van der Wal et al. 2025): would another seed show this? Variances are those of the nested
mixed model (`mixed`), in the metric. Per size, the interval for the slope of one more run: mean ± t s sqrt(1 + 1/R), s
pooled over the sizes that have several runs.
"""

import numpy as np
import pandas as pd

from trajectories.analysis.lines import FEWEST_SIZES, RunLines, run_lines
from trajectories.analysis.mixed import MixedFits
from trajectories.analysis.points import Metrics, table_of, task_points
from trajectories.analysis.tails import t_beyond
from trajectories.analysis.terms import why_not

Row = dict[str, object]
ONE_RUN = "one run per size: what another seed gives is not known"
EXACT = 1e-12


def variation_table(
    accuracy: pd.DataFrame, metrics: Metrics, alpha: float = 0.05, fits: MixedFits | None = None
) -> pd.DataFrame:
    """Return per task a row `all` with the variation, and a row per size with a new run's slope; see `COLUMNS`.

    Slopes are in the metric per tenfold tokens, intervals of level 1 - `alpha`. `fits` may know mixed models already.
    """
    rows: list[Row] = []
    for task, metric in metrics.items():
        points = task_points(accuracy, task, metric)
        common: Row = {"task": task, "metric": metric}
        if reason := why_not(points):
            rows.append(common | {"size": "all", "reason": reason})
            continue
        lines = run_lines(points)
        rows.append(common | {"size": "all", "runs": len(lines.size)} | _all(points, lines, fits or MixedFits()))
        rows += [common | row for row in _sizes(points, lines, alpha)]
    return table_of(rows, "variation")


def _all(points: pd.DataFrame, lines: RunLines, fits: MixedFits) -> Row:
    if lines.sizes < FEWEST_SIZES:
        return {"reason": f"fewer than {FEWEST_SIZES} sizes with several steps ({lines.sizes})"}
    if lines.residual < EXACT:
        return {"reason": "runs lie on straight lines exactly"}
    fit, (unit, tenfold) = fits.of(lines), _units(points)
    questions = float(np.mean(np.square(points["stderr"].to_numpy(float))))
    checkpoints = fit.noise * unit**2 - np.nan_to_num(questions)
    row: Row = {
        "sd_sizes": unit * np.sqrt(fit.sizes[0, 0]),
        "sd_checkpoints": float(np.sqrt(max(0.0, checkpoints))),
        "sd_questions": float(np.sqrt(questions)),
        "slope_sd_sizes": tenfold * np.sqrt(fit.sizes[1, 1]),
        "note": fit.singular,
    }
    if fit.runs is None:
        return row | {"reason": ONE_RUN}
    return row | {"sd_runs": unit * np.sqrt(fit.runs[0, 0]), "slope_sd_runs": tenfold * np.sqrt(fit.runs[1, 1])}


def _sizes(points: pd.DataFrame, lines: RunLines, alpha: float) -> list[Row]:
    slopes = _units(points)[1] * lines.coefficients[:, 1]
    groups = [slopes[lines.size == size] for size in range(lines.size.max() + 1)] if len(lines.size) else []
    df = sum(max(len(group) - 1, 0) for group in groups)
    pooled = sum(float(np.square(group - group.mean()).sum()) for group in groups if len(group)) / df if df else np.nan
    names = points["size"].drop_duplicates().tolist()
    parameters = points.drop_duplicates("size")["parameters"].tolist()
    rows = []
    for name, count, group in zip(names, parameters, groups, strict=False):
        if not len(group):
            continue
        half = float(t_beyond(alpha / 2, df) * np.sqrt(pooled * (1 + 1 / len(group)))) if df else np.nan
        mean = float(group.mean())
        row: Row = {"size": name, "parameters": count, "runs": len(group), "slope": mean}
        row |= {"slope_low": mean - half, "slope_high": mean + half, "reason": "" if df else ONE_RUN}
        rows.append(row | {"verdict": ("yes" if abs(mean) > half else "not surely") if df else ""})
    return rows


def _units(points: pd.DataFrame) -> tuple[float, float]:
    """Return what one standardised unit of a level, and of a slope (per tenfold tokens), is in the metric."""
    spread = float(points["value"].to_numpy(float).std(ddof=1))
    return spread, spread / float(np.log10(points["tokens"].to_numpy(float)).std(ddof=1))

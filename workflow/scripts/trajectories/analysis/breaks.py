"""Is the straight description enough? A quadratic or a break in log tokens or log compute against line and plane.

Per task the straight description is the paper's plane (parameters, tokens, their product), per model a line over
tokens. The quadratic adds one column, tested by the usual F. The break adds a hinge, max(0, x - at), at the place that
helps most; the F of a place that was searched for has no tabled distribution (Davies 1987, Biometrika 74; Andrews
1993, Econometrica 61), so its p-value comes from samples made under the straight description: Gaussian ones, and for
`p_cluster` the wild cluster bootstrap by model (Cameron, Gelbach & Miller 2008), which allows for points of one
model being correlated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from trajectories.analysis.clustered import membership, wild_samples
from trajectories.analysis.points import Metrics, correct, generator, read_accuracy, table_of, task_points, varies
from trajectories.analysis.regression import why_not
from trajectories.tables import write_table

PLACES = 41
"""Places tried for a break, evenly spaced on the log axis."""
TRIMMED = 0.15
FEWEST = 7
Row = dict[str, object]


@dataclass(frozen=True)
class Comparison:
    """A straight design (n x k), and columns one of which is added to it (n x C), each with its place (C).

    `searched` says whether the place is a parameter of its own (a break) or given (the quadratic, C = 1).
    """

    straight: np.ndarray
    added: np.ndarray
    places: np.ndarray
    searched: bool

    @property
    def df_model(self) -> int:
        """Parameters the richer model has more."""
        return 2 if self.searched else 1

    @property
    def df_resid(self) -> int:
        """Residual degrees of freedom of the richer model."""
        return int(self.straight.shape[0] - self.straight.shape[1] - self.df_model)

    def explained(self, samples: np.ndarray) -> np.ndarray:
        """Return by how much each column lowers the residual sum of squares of each row of samples (B x C)."""
        basis, _ = np.linalg.qr(self.straight)
        left = self.added - basis @ (basis.T @ self.added)
        return np.asarray(np.square(samples @ left) / np.square(left).sum(axis=0))

    def residual(self, samples: np.ndarray) -> np.ndarray:
        """Return the straight model's residual sum of squares of each row (B)."""
        basis, _ = np.linalg.qr(self.straight)
        return np.asarray(np.square(samples - (samples @ basis) @ basis.T).sum(axis=1))

    def f(self, samples: np.ndarray) -> np.ndarray:
        """Return the (largest) F statistic of each row (B)."""
        gain = self.explained(samples).max(axis=1)
        rest = np.maximum(self.residual(samples) - gain, 1e-300)
        return np.asarray((gain / self.df_model) / (rest / self.df_resid))

    def fitted(self, y: np.ndarray) -> np.ndarray:
        """Return the straight fit (n)."""
        return np.asarray(self.straight @ (np.linalg.pinv(self.straight) @ y))

    def richer(self, y: np.ndarray) -> np.ndarray:
        """Return the design with the best added column last (n x (k + 1))."""
        return np.column_stack([self.straight, self.added[:, self.explained(y[None, :])[0].argmax()]])


def compare(
    y: np.ndarray, comparison: Comparison, member: np.ndarray | None, resamples: int, rng: np.random.Generator
) -> Row:
    """Return F, p-values, AICc of both models, place and its 95 % bootstrap interval, for one y (n)."""
    observed = float(comparison.f(y[None, :])[0])
    straight_rss = float(comparison.residual(y[None, :])[0])
    design = comparison.richer(y)
    coefficients = np.linalg.pinv(design) @ y
    rss = float(np.square(y - design @ coefficients).sum())
    row: Row = {
        "f": observed,
        "df_model": comparison.df_model,
        "df_resid": comparison.df_resid,
        "p": _p(y, comparison, observed, None, resamples, rng),
        "p_cluster": np.nan if member is None else _p(y, comparison, observed, member, resamples, rng),
        "aicc_straight": aicc(straight_rss, len(y), comparison.straight.shape[1] + 1),
        "aicc": aicc(rss, len(y), comparison.straight.shape[1] + 1 + comparison.df_model),
    }
    if comparison.searched:
        before, change = float(coefficients[1]), float(coefficients[-1])
        row |= {"slope_before": before, "slope_after": before + change}
        row |= _place(y, comparison, design @ coefficients, member, resamples, rng)
    return row


def aicc(rss: float, n: int, parameters: int) -> float:
    """Return the corrected information criterion; `parameters` counts the variance (Hurvich & Tsai 1989)."""
    return float(n * np.log(rss / n) + 2 * parameters + 2 * parameters * (parameters + 1) / (n - parameters - 1))


def _p(
    y: np.ndarray,
    comparison: Comparison,
    observed: float,
    member: np.ndarray | None,
    resamples: int,
    rng: np.random.Generator,
) -> float:
    if member is None and not comparison.searched:
        return float(stats.f.sf(observed, comparison.df_model, comparison.df_resid))
    fitted = comparison.fitted(y)
    if member is None:
        samples = fitted + rng.standard_normal((resamples, len(y)))  # F does not depend on the noise's size
    else:
        samples = wild_samples(fitted, y - fitted, member, resamples, rng)
    return float((1 + np.sum(comparison.f(samples) >= observed * (1 - 1e-9))) / (1 + resamples))


def _place(
    y: np.ndarray,
    comparison: Comparison,
    fitted: np.ndarray,
    member: np.ndarray | None,
    resamples: int,
    rng: np.random.Generator,
) -> Row:
    """Return where the break is, in units of the axis, with the percentiles of refits about the broken fit."""
    residual = y - fitted
    if member is None:
        noise = np.sqrt(residual @ residual / comparison.df_resid) * rng.standard_normal((resamples, len(y)))
        df = comparison.df_resid
        samples = fitted + noise * np.sqrt(df / rng.chisquare(df, (resamples, 1)))
    else:
        samples = wild_samples(fitted, residual, member, resamples, rng)
    best = comparison.places[comparison.explained(y[None, :])[0].argmax()]
    low, high = np.quantile(comparison.places[comparison.explained(samples).argmax(axis=1)], [0.025, 0.975])
    return {"at": 10**best, "at_low": 10**low, "at_high": 10**high}


def comparisons(straight: np.ndarray, x: np.ndarray) -> dict[str, Comparison]:
    """Return the quadratic and the break in `x` (log10) against a straight design.

    Breaks are sought where at least two different x and 15 % of the points lie on either side (Andrews' trimming).
    """
    values = np.unique(x)
    low, high = np.quantile(x, [TRIMMED, 1 - TRIMMED])
    places = np.linspace(max(values[1], low), min(values[-2], high), PLACES)
    centred = x - x.mean()
    return {
        "quadratic": Comparison(straight, (centred**2)[:, None], np.array([np.nan]), False),
        "break": Comparison(straight, np.maximum(0.0, x[:, None] - places), places, True),
    }


def breaks_table(accuracy: pd.DataFrame, metrics: Metrics, seed: int = 1, resamples: int = 999) -> pd.DataFrame:
    """Return one row per task, description and axis, columns `COLUMNS["breaks"]`.

    Group `all` compares with the plane over all checkpoints, on the axes tokens and compute (6 * parameters *
    tokens); the other groups, one per model, with a line over tokens. Slopes are in metric per tenfold tokens, in the
    plane at the mean log size. `p_fdr` and `p_cluster_fdr` are corrected over all rows (Benjamini-Hochberg).
    """
    rows: list[Row] = []
    for task, metric in metrics.items():
        points = task_points(accuracy, task, metric)
        for group, axis, curve in _groups(points):
            rng = generator(seed, task, axis, group)
            common: Row = {"task": task, "metric": metric, "group": group, "axis": axis, "points": len(curve)}
            rows += [common | row for row in _rows(curve, group, axis, resamples, rng)]
    table = table_of(rows, "breaks")
    return table.assign(p_fdr=correct(table["p"]), p_cluster_fdr=correct(table["p_cluster"]))


def _groups(points: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    yield "all", "tokens", points
    yield "all", "compute", points
    for model, curve in points.groupby("model", sort=False):
        yield str(model), "tokens", curve


def _rows(curve: pd.DataFrame, group: str, axis: str, resamples: int, rng: np.random.Generator) -> list[Row]:
    reason = _reason(curve, group)
    if reason:
        return [{"form": form, "reason": reason} for form in ("quadratic", "break")]
    size, tokens = (np.log10(curve[column].to_numpy(float)) for column in ("parameters", "tokens"))
    x = tokens if axis == "tokens" else np.log10(6.0) + size + tokens
    straight = _plane(size, tokens) if group == "all" else np.column_stack([np.ones_like(x), x - x.mean()])
    member = membership(curve["model"]) if group == "all" else None
    y = curve["value"].to_numpy(float)
    return [
        {"form": form, "reason": "", **compare(y, comparison, member, resamples, rng)}
        for form, comparison in comparisons(straight, x).items()
    ]


def _plane(size: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Return the plane's design with the token column second: its coefficient is the slope at the mean log size."""
    size, tokens = size - size.mean(), tokens - tokens.mean()
    return np.column_stack([np.ones_like(size), tokens, size, size * tokens])


def _reason(curve: pd.DataFrame, group: str) -> str:
    if group == "all":
        fewest = why_not(curve) or ("fewer than 4 models" if curve["model"].nunique() < 4 else "")
        if fewest:
            return fewest
    different = curve["tokens"].nunique()
    if different < FEWEST:
        return f"too few points ({different}; {FEWEST} are needed)"
    y = curve["value"].to_numpy(float)
    if not varies(y):
        return "the value never varies"
    return ""


def write_breaks(
    accuracy: Path | str,
    output: Path | str,
    metrics: Metrics,
    seed: int = 1,
    resamples: int = 999,
    from_tokens: float = 0,
) -> None:
    """Read `accuracy.tsv`, write `breaks.tsv`."""
    write_table(breaks_table(read_accuracy(accuracy, from_tokens), metrics, seed, resamples), output, "breaks")

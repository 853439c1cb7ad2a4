"""Is the straight description enough? A quadratic or a break in log tokens or log compute against line and plane.

Per task the straight description is the paper's plane (parameters, tokens, their product), per model a line over
tokens. The quadratic adds one column, tested by the usual F. The break adds a hinge, max(0, x - at), at the place that
helps most; the F of a place that was searched for has no tabled distribution (Davies 1987, Biometrika 74; Andrews
1993, Econometrica 61), so its p-value comes from simulated noise. Fits are by generalised least squares: the noise of a
model's neighbouring checkpoints correlates (`serial`). Over all models, which have courses of their own besides, the
wild cluster bootstrap by size gives `p_cluster` (Cameron, Gelbach & Miller 2008).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.clustered import membership
from trajectories.analysis.dependence import WHITE, Dependence, Noise, independent
from trajectories.analysis.points import Metrics, correct, generator, read_accuracy, table_of, task_points, varies
from trajectories.analysis.projections import Projected, projected, wild_projected
from trajectories.analysis.serial import LEVELS
from trajectories.analysis.tails import f_tail
from trajectories.analysis.terms import why_not
from trajectories.analysis.trajectory import Serial, noise_by_name
from trajectories.tables import write_table

PLACES = 41
"""Places tried for a break, evenly spaced on the log axis."""
TRIMMED = 0.15
FEWEST = 7
BLOCK, BLOCKS = 500, 8
"""Simulated null samples: so many at a time, so many times."""
Row = dict[str, object]


@dataclass(frozen=True)
class Comparison:
    """A straight design (n x k) with columns one of which is added to it (n x C), each with its place (C).

    `searched` says whether the place is a parameter of its own (a break) or given (the quadratic, C = 1).
    """

    straight: np.ndarray
    added: np.ndarray
    places: np.ndarray
    searched: bool
    points: Dependence
    seed: int = 1

    @property
    def df_model(self) -> int:
        """Parameters the richer model has more."""
        return 2 if self.searched else 1

    @property
    def df_resid(self) -> int:
        """Residual degrees of freedom of the richer model."""
        return int(self.straight.shape[0] - self.straight.shape[1] - self.df_model)

    def white(self, columns: np.ndarray) -> np.ndarray:
        """Return columns (n x C), or one (n), without the dependence of neighbours."""
        return self.points.whiten(columns.T).T

    @cached_property
    def columns(self) -> np.ndarray:
        """Return all the comparison needs of whitened samples (n x (k + C)).

        An orthonormal basis of the straight design, and what each added column has beyond it, of length 1.
        """
        basis, _ = np.linalg.qr(self.white(self.straight))
        left = self.white(self.added)
        left = left - basis @ (basis.T @ left)
        return np.hstack([basis, left / np.linalg.norm(left, axis=0)])

    def explained(self, samples: Projected) -> np.ndarray:
        """Return by how much each column lowers the residual sum of squares of each sample (B x C)."""
        return np.asarray(np.square(samples.products[:, self.straight.shape[1] :]))

    def residual(self, samples: Projected) -> np.ndarray:
        """Return the straight model's residual sum of squares of each sample (B)."""
        explained = np.square(samples.products[:, : self.straight.shape[1]]).sum(axis=1)
        return np.asarray(np.maximum(samples.total - explained, 0.0))

    def f(self, samples: Projected) -> np.ndarray:
        """Return the (largest) F statistic of each sample (B)."""
        gain = self.explained(samples).max(axis=1)
        rest = np.maximum(self.residual(samples) - gain, 1e-300)
        return np.asarray((gain / self.df_model) / (rest / self.df_resid))

    @cached_property
    def null(self) -> np.ndarray:
        """Return the F statistics of noise about the straight model, which depend on nothing but the design."""
        rng, n = generator(self.seed, "break"), len(self.straight)
        parts = (projected(rng.standard_normal((BLOCK, n)), self.columns) for _ in range(BLOCKS))
        return np.concatenate([self.f(part) for part in parts])


def compare(
    y: np.ndarray, comparison: Comparison, member: np.ndarray | None, resamples: int, rng: np.random.Generator
) -> Row:
    """Return F, p-values, AICc of both models, place and its 95 % bootstrap interval, for one y (n)."""
    level = y.mean()
    white = comparison.white(y - level)
    seen = projected(white[None, :], comparison.columns)
    observed, k = float(comparison.f(seen)[0]), comparison.straight.shape[1]
    best = int(comparison.explained(seen)[0].argmax())
    design = comparison.white(np.column_stack([comparison.straight, comparison.added[:, best]]))
    coefficients = np.linalg.pinv(design) @ white
    rss = float(np.square(white - design @ coefficients).sum())
    row: Row = {
        "f": observed,
        "df_model": comparison.df_model,
        "df_resid": comparison.df_resid,
        "p": _p(comparison, observed),
        "p_cluster": np.nan if member is None else _p_cluster(white, comparison, observed, member, resamples, rng),
        "aicc_straight": aicc(float(comparison.residual(seen)[0]), len(y), k + 1),
        "aicc": aicc(rss, len(y), k + 1 + comparison.df_model),
    }
    if comparison.searched:
        before, change = float(coefficients[1]), float(coefficients[-1])
        row |= {"slope_before": before, "slope_after": before + change, "at": 10 ** comparison.places[best]}
        row |= _interval(white, comparison, design @ coefficients, member, resamples, rng)
    return row


def aicc(rss: float, n: int, parameters: int) -> float:
    """Return the corrected information criterion; `parameters` counts the variance (Hurvich & Tsai 1989)."""
    rss = max(rss, 1e-300)
    return float(n * np.log(rss / n) + 2 * parameters + 2 * parameters * (parameters + 1) / (n - parameters - 1))


def _p(comparison: Comparison, observed: float) -> float:
    if not comparison.searched:
        return float(f_tail(observed, comparison.df_model, comparison.df_resid))
    return float((1 + np.sum(comparison.null >= observed * (1 - 1e-12))) / (1 + len(comparison.null)))


def _p_cluster(
    white: np.ndarray,
    comparison: Comparison,
    observed: float,
    member: np.ndarray,
    resamples: int,
    rng: np.random.Generator,
) -> float:
    """Return p by the wild cluster bootstrap about the straight fit."""
    basis = comparison.columns[:, : comparison.straight.shape[1]]
    fitted = basis @ (basis.T @ white)
    samples = wild_projected(fitted, white - fitted, member, comparison.columns, resamples, rng)
    return float((1 + np.sum(comparison.f(samples) >= observed * (1 - 1e-12))) / (1 + resamples))


def _interval(
    white: np.ndarray,
    comparison: Comparison,
    fitted: np.ndarray,
    member: np.ndarray | None,
    resamples: int,
    rng: np.random.Generator,
) -> Row:
    """Return the 95 % bootstrap interval of the break, about the broken fit.

    Without clusters the noise's own standard deviation is drawn too, because few degrees of freedom do not fix it.
    """
    residual = white - fitted
    if member is None:
        sd = np.sqrt(residual @ residual / rng.chisquare(comparison.df_resid, (resamples, 1)))
        samples = projected(fitted + sd * rng.standard_normal((resamples, len(white))), comparison.columns)
    else:
        samples = wild_projected(fitted, residual, member, comparison.columns, resamples, rng)
    low, high = np.quantile(comparison.places[comparison.explained(samples).argmax(axis=1)], [0.025, 0.975])
    return {"at_low": 10**low, "at_high": 10**high}


def comparisons(
    straight: np.ndarray, x: np.ndarray, dependence: Dependence | None = None, seed: int = 1
) -> dict[str, Comparison]:
    """Return the quadratic and the break in `x` (log10) against a straight design.

    Breaks are sought where at least two different x and 15 % of the points lie on either side (Andrews' trimming).
    """
    points = independent(len(x)) if dependence is None else dependence
    values = np.unique(x)
    low, high = np.quantile(x, [TRIMMED, 1 - TRIMMED])
    places = np.linspace(max(values[1], low), min(values[-2], high), PLACES)
    square, hinges = np.square(x - x.mean())[:, None], np.maximum(0.0, x[:, None] - places)
    return {
        "quadratic": Comparison(straight, square, np.array([np.nan]), False, points, seed),
        "break": Comparison(straight, hinges, places, True, points, seed),
    }


@dataclass(frozen=True)
class Prepared:
    """The comparisons of each layout of points that occurs, made once."""

    seed: int
    found: dict[bytes, dict[str, Comparison]] = field(default_factory=dict)

    def of(self, curve: pd.DataFrame, group: str, axis: str, noise: Noise) -> dict[str, Comparison]:
        """Return both comparisons for a model's or all models' points (sorted by model, then tokens)."""
        size, tokens = (np.log10(curve[column].to_numpy(float)) for column in ("parameters", "tokens"))
        runs = pd.factorize(curve["model"])[0]
        points = Dependence(
            noise, np.concatenate([noise.over(tokens[runs == run]).lags for run in np.unique(runs)]), runs
        )
        key = size.tobytes() + tokens.tobytes() + points.key + axis.encode()
        if key not in self.found:
            x = tokens if axis == "tokens" else np.log10(6.0) + size + tokens
            straight = plane(size, tokens) if group == "all" else np.column_stack([np.ones_like(x), x - x.mean()])
            self.found[key] = comparisons(straight, x, points, self.seed)
        return self.found[key]


def breaks_table(
    accuracy: pd.DataFrame, metrics: Metrics, seed: int = 1, resamples: int = 999, serial: Serial = "auto"
) -> pd.DataFrame:
    """Return one row per task, description and axis, columns `COLUMNS["breaks"]`.

    Group `all` compares with the plane over all checkpoints, on the axes tokens and compute (6 * parameters *
    tokens); the other groups, one per model, with a line over tokens. Slopes are in metric per tenfold tokens, in the
    plane at the mean log size. Noise of a model's neighbours correlates by `serial`, in group `all` by the mean of
    what the trajectories have. `p_fdr` and `p_cluster_fdr` are corrected over all rows (Benjamini-Hochberg).
    """
    prepared, noise = Prepared(seed), noise_by_name(accuracy, metrics, serial)
    common = _common(list(noise.values()))
    rows: list[Row] = []
    for task, metric in metrics.items():
        for group, axis, curve in _groups(task_points(accuracy, task, metric)):
            about: Row = {"task": task, "metric": metric, "group": group, "axis": axis, "points": len(curve)}
            reason = _reason(curve, group)
            if reason:
                rows += [about | {"form": form, "reason": reason} for form in ("quadratic", "break")]
                continue
            own = common if group == "all" else noise[task, group]
            member = membership(curve["size"]) if group == "all" else None
            y, rng = curve["value"].to_numpy(float), generator(seed, task, axis, group)
            for form, comparison in prepared.of(curve, group, axis, own).items():
                found = compare(y, comparison, member, resamples, rng)
                rows.append(about | {"form": form, "serial": own.neighbours, "reason": ""} | found)
    table = table_of(rows, "breaks")
    return table.assign(p_fdr=correct(table["p"]), p_cluster_fdr=correct(table["p_cluster"]))


def _common(noise: list[Noise]) -> Noise:
    """Return the noise whose correlation is the mean one, or the next level above it where levels were estimated."""
    if not noise:
        return WHITE
    mean = float(np.mean([one.rho for one in noise]))
    above = LEVELS[mean - 1e-9 <= LEVELS]
    return replace(noise[0], rho=mean if len({one.rho for one in noise}) == 1 else float(above.min(initial=LEVELS[-1])))


def _groups(points: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    yield "all", "tokens", points
    yield "all", "compute", points
    for model, curve in points.groupby("model", sort=False):
        yield str(model), "tokens", curve


def plane(size: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Return the plane's design with the token column second: its coefficient is the slope at the mean log size."""
    size, tokens = size - size.mean(), tokens - tokens.mean()
    return np.column_stack([np.ones_like(size), tokens, size, size * tokens])


def _reason(curve: pd.DataFrame, group: str) -> str:
    if group == "all":
        fewest = why_not(curve) or ("fewer than 4 sizes" if curve["size"].nunique() < 4 else "")
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
    serial: Serial = "auto",
    from_tokens: float = 0,
    sizes: Mapping[str, str] | None = None,
) -> None:
    """Read `accuracy.tsv`, write `breaks.tsv`. `sizes`: model → size."""
    table = breaks_table(read_accuracy(accuracy, from_tokens, sizes), metrics, seed, resamples, serial)
    write_table(table, output, "breaks")

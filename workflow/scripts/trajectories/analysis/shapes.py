"""The shape of a metric over compute, tokens or size: flat, positive, inverse, U or inverted U, found in two ways.

The two ways, `two_lines` and `model_choice`, share no step but the correlation of neighbouring checkpoints' noise that
both assume within a model (`serial`). Each keeps its false alarms at `alpha` per curve: on flat noise that any shape is
claimed, on a curve that keeps its direction that a turn is claimed (docs/shapes.md has the simulated rates).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.axes import measured
from trajectories.analysis.clustered import cluster_t, membership
from trajectories.analysis.constants import below_chance, known_levels
from trajectories.analysis.dependence import WHITE, Dependence, Noise, independent, slopes
from trajectories.analysis.model_choice import CONSTANT, LINEAR, NAMES, QUADRATIC, Choice, ModelChoice
from trajectories.analysis.points import (
    Metrics,
    better,
    generator,
    read_accuracy,
    size_means,
    table_of,
    task_points,
    task_rows,
    varies,
)
from trajectories.analysis.projections import wild_projected
from trajectories.analysis.tails import two_sided
from trajectories.analysis.trajectory import Serial, noise_by_name
from trajectories.analysis.two_lines import TwoLines, TwoLinesTest
from trajectories.tables import read_table, write_table

FLAT, POSITIVE, INVERSE, U, INVERTED_U = SHAPES = ("flat", "positive", "inverse", "U", "inverted-U")
FEWEST = 7
"""Two lines of three points and one between them."""
FLAT_DRAWS = 4999
OVER_MODELS = ("compute", "loss")
"""Axes along which points of all models make one curve, with errors clustered by size."""
Row = dict[str, object]


@dataclass(frozen=True)
class Found:
    """What both ways say about one curve; `turn` is missing unless one of them claims a turn."""

    two_lines: str
    lines: TwoLines
    aicc: str
    choice: Choice
    p_flat: float
    p_turn: float
    turn: float
    turn_low: float
    turn_high: float


class ShapeFinder:
    """Both ways prepared for one x (n), and the dependence of its points, or clusters (n x G)."""

    def __init__(
        self,
        x: np.ndarray,
        member: np.ndarray | None = None,
        alpha: float = 0.05,
        resamples: int = 999,
        dependence: Dependence | None = None,
        seed: int = 1,
    ) -> None:
        self.x, self.member, self.alpha, self.resamples = np.asarray(x, dtype=float), member, alpha, resamples
        self.points, self.seed = independent(len(self.x)) if dependence is None else dependence, seed
        self.lines, self.models = TwoLinesTest(x, member, self.points), ModelChoice(x, self.points)

    def __call__(self, y: np.ndarray, rng: np.random.Generator) -> Found:
        """Find the shape of one curve (n)."""
        lines, choice = self.lines(y[None, :]), self.models(y[None, :])
        by_lines = self.by_two_lines(y[None, :], lines)[0]
        by_aicc, p_flat, p_turn = self.by_model_choice(y, choice, rng)
        turn = low = high = np.nan
        if {by_lines, by_aicc} & {U, INVERTED_U}:
            turn, low, high = self._turn(y, choice, rng)
        return Found(by_lines, lines, by_aicc, choice, p_flat, p_turn, turn, low, high)

    def by_two_lines(self, samples: np.ndarray, lines: TwoLines) -> list[str]:
        """Return the shape of each row: a turn by the two lines, else a direction by one line, each at alpha / 2."""
        turns = lines.turns(self.alpha / 2)
        slope, p = self._trend(samples)
        direction = np.where(p <= self.alpha / 2, np.sign(slope), 0.0)
        turned = {1.0: U, -1.0: INVERTED_U}
        straight = {1.0: POSITIVE, -1.0: INVERSE, 0.0: FLAT}
        return [turned.get(t) or straight[d] for t, d in zip(turns.tolist(), direction.tolist(), strict=True)]

    def by_model_choice(self, y: np.ndarray, choice: Choice, rng: np.random.Generator) -> tuple[str, float, float]:
        """Return the shape by AICc, and the p-values of leaving the constant and of the turn (missing if unasked).

        A turn needs p <= alpha / 2: with many points the isotonic fit is too rough at its ends, and at alpha an early
        sigmoid of 143 points turned in 9 % of simulations.
        """
        p_flat = self._p_flat(y, choice, rng)
        if p_flat > self.alpha:
            return FLAT, p_flat, np.nan
        p_turn = np.nan
        if choice.gain_of_turn[0] > 0:
            fitted, levels = self.models.monotone(y)
            noisy = self._about(y, fitted, max(1, len(y) - levels), rng)
            p_turn = _share(choice.gain_of_turn[0], noisy.gain_of_turn)
        if p_turn <= self.alpha / 2:
            return (U if self.models.bowl(y) > 0 else INVERTED_U), p_flat, p_turn
        if choice.aicc[0, CONSTANT] <= choice.aicc[0, LINEAR:QUADRATIC].min():
            return FLAT, p_flat, p_turn  # only a turn would be better than the constant, and it is not sure
        rise = self.models.fitted(y, LINEAR)
        return (POSITIVE if rise[self.x.argmax()] > rise[self.x.argmin()] else INVERSE), p_flat, p_turn

    def _trend(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return slope and two-sided p of one line per row; with clusters the larger standard error counts."""
        slope, stderr = slopes(self.x, samples, self.points)
        t, df = slope / (stderr + 1e-300), len(self.x) - 2
        if self.member is not None:
            line = np.column_stack([np.ones_like(self.x), self.x - self.x.mean()])
            clustered = cluster_t(samples, line, self.member, 1)
            t, df = np.sign(slope) * np.minimum(np.abs(t), np.abs(clustered)), self.member.shape[1] - 1
        return slope, two_sided(t, df)

    @cached_property
    def _flat_gains(self) -> np.ndarray:
        """Return the gains over the constant on noise about a constant, whose level and spread do not matter."""
        noise = self.points.draw(FLAT_DRAWS, generator(self.seed, "flat"))
        return np.asarray(self.models(noise).gain_over_constant)

    def _p_flat(self, y: np.ndarray, choice: Choice, rng: np.random.Generator) -> float:
        if self.member is None:
            return _share(choice.gain_over_constant[0], self._flat_gains)
        constant = self.models.fitted(y, CONSTANT)
        turned = self._about(y, constant, self.models.degrees(CONSTANT), rng)
        return _share(choice.gain_over_constant[0], turned.gain_over_constant)

    def _about(self, y: np.ndarray, fitted: np.ndarray, degrees: int, rng: np.random.Generator) -> Choice:
        """Return what the models say of Gaussian noise about a fit, or of its residuals turned over by cluster."""
        residual = y - fitted
        if self.member is not None:
            level = y.mean()
            return self.models.judged(
                wild_projected(fitted - level, residual, self.member, self.models.columns, self.resamples, rng)
            )
        white = self.points.whiten(residual)
        noise = self.points.draw(self.resamples, rng)
        return self.models(fitted + np.sqrt(white @ white / degrees) * noise)

    def _turn(self, y: np.ndarray, choice: Choice, rng: np.random.Generator) -> tuple[float, float, float]:
        """Return the parabola's turn with its 95 % bootstrap interval, both kept within the data.

        Percentiles of refits; without clusters the noise's own standard deviation is drawn too, because five degrees
        of freedom do not fix it.
        """
        fitted, degrees = self.models.fitted(y, QUADRATIC), self.models.degrees(QUADRATIC)
        if self.member is None:
            white = self.points.whiten(y - fitted)
            sd = np.sqrt(white @ white / rng.chisquare(degrees, (self.resamples, 1)))
            turns = self.models(fitted + sd * self.points.draw(self.resamples, rng)).turn
        else:
            turns = self._about(y, fitted, degrees, rng).turn
        inside = np.clip(np.r_[choice.turn, turns], self.x.min(), self.x.max())
        low, high = np.nanquantile(inside[1:], [0.025, 0.975])
        return float(inside[0]), float(low), float(high)


def _share(observed: float, gains: np.ndarray) -> float:
    """Return how often simulated gains are at least what was observed, the observed one counted."""
    return float((1 + np.sum(gains >= observed - 1e-9)) / (1 + len(gains)))


@dataclass(frozen=True)
class Finders:
    """One finder for each x, clusters and dependence that occur."""

    alpha: float
    resamples: int
    seed: int
    found: dict[bytes, ShapeFinder] = field(default_factory=dict)

    def of(self, x: np.ndarray, member: np.ndarray | None, points: Dependence) -> ShapeFinder:
        """Return the finder, made where it is new. Raises `ValueError` where no break leaves enough on both sides."""
        key = x.tobytes() + (b"" if member is None else member.tobytes()) + points.key
        if key not in self.found:
            self.found[key] = ShapeFinder(x, member, self.alpha, self.resamples, points, self.seed)
        return self.found[key]


def shapes_table(
    accuracy: pd.DataFrame,
    metrics: Metrics,
    seed: int = 1,
    alpha: float = 0.05,
    resamples: int = 999,
    serial: Serial = "auto",
    chance: Mapping[str, float] | None = None,
    text: str | None = None,
) -> pd.DataFrame:
    """Return one row per task and curve, columns `COLUMNS["shapes"]`.

    Axis `compute` (6 * parameters * tokens FLOPs) has one curve of all checkpoints, with errors clustered by size;
    `tokens` one per model, whose neighbours' noise correlates by `serial`; `parameters` one per step, of the means of
    sizes' runs, or a single row with the reason where sizes are too few. With a running `text`, axis `loss` has one
    curve of all checkpoints over its bits per byte, from the largest to the smallest. More is better: a metric that is
    a loss is turned over. `split`, `turn` and its interval are in units of the axis, slopes in metric per tenfold, or
    per bit that the loss falls. `below_chance` counts points significantly below what guessing gives (`chance`, by
    task): a curve that dips there is a U that says nothing about inverse scaling.
    """
    finders, noise = Finders(alpha, resamples, seed), noise_by_name(accuracy, metrics, serial)
    rows: list[Row] = []
    for task, metric in metrics.items():
        curves = [*_curves(better(task_points(accuracy, task, metric))), *_over_loss(accuracy, task, metric, text)]
        for axis, group, curve in curves:
            own = noise[task, group] if axis == "tokens" else None
            common: Row = {"task": task, "metric": metric, "axis": axis, "group": group, "points": len(curve)}
            found = _row(curve, axis, own or WHITE, finders, generator(seed, task, axis, group))
            below = below_chance(curve, (chance or {}).get(task))
            rows.append(common | {"serial": own and own.neighbours, "below_chance": below} | found)
    return table_of(rows, "shapes")


def _curves(points: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    if points.empty:
        return
    points = points.assign(compute=6.0 * points["parameters"] * points["tokens"])
    if points["model"].nunique() > 1:
        yield "compute", "all", points.sort_values("compute", kind="stable")
    for model, curve in points.groupby("model", sort=False):
        yield "tokens", str(model), curve.sort_values("tokens", kind="stable")
    if points["size"].nunique() < FEWEST:  # one row with the reason, not one for each step
        yield "parameters", "all", points.drop_duplicates("size")
    else:
        for step, curve in size_means(points).groupby("step"):
            yield "parameters", f"step{step}", curve


def _over_loss(
    accuracy: pd.DataFrame, task: str, metric: str, text: str | None
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield the points of all models by the loss of the same checkpoint; step 0 has a loss, so it has its place."""
    if text is None or task == text:
        return
    points = better(task_rows(measured(accuracy, "loss", text), task, metric)).rename(columns={"x": "loss"})
    if points["model"].nunique() > 1:
        yield "loss", "all", points.sort_values("loss", ascending=False, kind="stable")


def _row(curve: pd.DataFrame, axis: str, noise: Noise, finders: Finders, rng: np.random.Generator) -> Row:
    along, y = curve[axis].to_numpy(float), curve["value"].to_numpy(float)
    x = -along if axis == "loss" else np.log10(along)
    reason = _why_not(curve, axis, x, y)
    if reason:
        return {"reason": reason}
    try:
        finder = finders.of(x, membership(curve["size"]) if axis in OVER_MODELS else None, noise.over(x))
    except ValueError as error:
        return {"reason": str(error)}
    return _columns(finder(y, rng), axis)


def _why_not(curve: pd.DataFrame, axis: str, x: np.ndarray, y: np.ndarray) -> str:
    if len(np.unique(x)) < FEWEST:
        return f"too few points ({len(np.unique(x))}; {FEWEST} are needed)"
    if axis in OVER_MODELS and curve["size"].nunique() < 4:
        return "fewer than 4 sizes"
    return "" if varies(y) else "the value never varies"


def _columns(found: Found, axis: str) -> Row:
    lines, choice = found.lines, found.choice
    low, high = (found.turn_low, found.turn_high) if axis != "loss" else (found.turn_high, found.turn_low)
    aicc = {f"aicc_{name}": value for name, value in zip(NAMES, choice.aicc[0].tolist(), strict=True)}
    return {
        "two_lines": found.two_lines,
        "split": _unit(lines.split[0], axis),
        "slope_before": lines.slope_before[0],
        "p_before": lines.p_before[0],
        "slope_after": lines.slope_after[0],
        "p_after": lines.p_after[0],
        "aicc": found.aicc,
        **{name: value if np.isfinite(value) else np.nan for name, value in aicc.items()},
        "p_flat": found.p_flat,
        "p_turn": found.p_turn,
        "agree": found.two_lines == found.aicc,
        "turn": _unit(found.turn, axis),
        "turn_low": _unit(low, axis),
        "turn_high": _unit(high, axis),
        "reason": "",
    }


def _unit(place: float, axis: str) -> float:
    """Return a place along a curve in units of its axis."""
    return float(-place if axis == "loss" else 10**place)


def write_shapes(
    accuracy: Path | str,
    output: Path | str,
    metrics: Metrics,
    seed: int = 1,
    alpha: float = 0.05,
    resamples: int = 999,
    serial: Serial = "auto",
    from_tokens: float = 0,
    tasks: Path | str | None = None,
    text: str | None = None,
    sizes: Mapping[str, str] | None = None,
) -> None:
    """Read `accuracy.tsv` and, for what guessing gives, `tasks.tsv`; write `shapes.tsv`. `sizes`: model → size."""
    chance, _ = known_levels(read_table(tasks, "tasks")) if tasks else ({}, {})
    rows = read_accuracy(accuracy, from_tokens, sizes)
    table = shapes_table(rows, metrics, seed, alpha, resamples, serial, chance, text)
    write_table(table, output, "shapes")

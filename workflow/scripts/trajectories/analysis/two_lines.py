"""The two-lines test for U-shapes, for many curves over the same x at once.

Source: Simonsohn (2018), "Two Lines: A Valid Alternative to the Invalid Testing of U-Shaped Relationships With
Quadratic Regressions", Advances in Methods and Practices in Psychological Science 1. An interrupted regression fits
one line up to a break and one beyond it; a U-shape needs two slopes of opposite sign, both significant. The break is
put where that test has power ("Robin Hood"): in the flat stretch about the extreme of a smooth fit, nearer to the
end of it whose line is the stronger. Differences from the paper: the smooth fit is a natural cubic spline by least
squares, because eight points do not carry a generalised additive model; standard errors are those of least squares,
because the robust ones need more points than eight. Where errors are clustered the larger of the least-squares and
the clustered standard error counts, with one degree of freedom fewer than the line has clusters: alone, the clustered
one is too small on a short line (Angrist & Pischke 2009, Mostly Harmless Econometrics, section 8.2). Where the noise
of neighbouring points correlates, either line is by generalised least squares, on its own side only: were the sides
coupled, a curve that is not straight before the break would tilt the line beyond it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from patsy import dmatrix

from trajectories.analysis.dependence import Dependence, independent
from trajectories.analysis.tails import two_sided

FEWEST_PER_LINE = 3
FEWEST_CLUSTERS = 4
"""Per line, where errors are clustered."""
MOST_SPLITS = 60


@dataclass(frozen=True)
class TwoLines:
    """Results for B curves: `split` is the last x of the first line; slopes and two-sided p-values, each of B."""

    split: np.ndarray
    slope_before: np.ndarray
    p_before: np.ndarray
    slope_after: np.ndarray
    p_after: np.ndarray

    def turns(self, alpha: float) -> np.ndarray:
        """Return 1 for a U-shape, -1 for an inverted U, 0 for neither (B)."""
        significant = (self.p_before <= alpha) & (self.p_after <= alpha)
        return np.where(significant & (self.slope_before * self.slope_after < 0), np.sign(self.slope_after), 0.0)


@dataclass(frozen=True)
class _Lines:
    """The interrupted regression at one break: `slopes @ y` are both slopes, `basis` (n x 4, orthonormal) spans it.

    `sides` is the dependence of the points, either side by itself.
    """

    slopes: np.ndarray
    basis: np.ndarray
    sides: Dependence


class TwoLinesTest:
    """The test prepared for one x (n, ascending), the dependence of its points, or clusters (n x G).

    Raises `ValueError` where no break leaves three different x (and four clusters) on both sides.
    """

    def __init__(self, x: np.ndarray, member: np.ndarray | None = None, dependence: Dependence | None = None) -> None:
        self.x = np.asarray(x, dtype=float)
        self.member = member
        points = independent(len(self.x)) if dependence is None else dependence
        values = np.unique(self.x)
        splits = values[FEWEST_PER_LINE - 1 : len(values) - FEWEST_PER_LINE]
        if len(splits) > MOST_SPLITS:
            splits = splits[np.linspace(0, len(splits) - 1, MOST_SPLITS).round().astype(int)]
        self.splits = np.array([at for at in splits if self._fewest_clusters(at) >= FEWEST_CLUSTERS])
        if not len(self.splits):
            raise ValueError("no break leaves enough points and models on both sides")
        self._lines = [_interrupted(self.x, at, points) for at in self.splits]

    def _fewest_clusters(self, at: float) -> float:
        if self.member is None:
            return np.inf
        return min(float(self.member[side].any(axis=0).sum()) for side in (self.x <= at, self.x > at))

    @cached_property
    def _smooth(self) -> np.ndarray:
        """Return an orthonormal basis of the smooth curves (n x k)."""
        different = len(np.unique(self.x))
        basis = np.asarray(dmatrix(f"cr(x, df={min(6, max(3, different // 2))}) - 1", {"x": self.x}))
        return np.asarray(np.linalg.qr(basis)[0])

    @cached_property
    def _curvature(self) -> np.ndarray:
        """Return the weights (n) whose product with y is the quadratic coefficient of the least-squares parabola."""
        centred = (self.x - self.x.mean()) / np.ptp(self.x)
        return np.asarray(np.linalg.pinv(np.column_stack([np.ones_like(self.x), centred, centred**2]))[2])

    @cached_property
    def _degrees(self) -> np.ndarray:
        """Return the degrees of freedom of both lines at every split (splits x 2)."""
        if self.member is None:
            return np.full((len(self.splits), 2), len(self.x) - 4)
        sides = [(self.x <= at, self.x > at) for at in self.splits]
        return np.array([[self.member[side].any(axis=0).sum() - 1 for side in both] for both in sides])

    def __call__(self, samples: np.ndarray) -> TwoLines:
        """Test each row of `samples` (B x n)."""
        centred = samples - samples.mean(axis=1, keepdims=True)
        slopes, t = zip(*(self._at(centred, lines) for lines in self._lines), strict=True)
        slope, statistic = np.stack(slopes, axis=2), np.stack(t, axis=2)  # B x 2 x splits
        chosen = self._robin_hood(samples, np.abs(statistic))
        rows = np.arange(len(samples))
        p = two_sided(statistic[rows, :, chosen], self._degrees[chosen])
        slope = slope[rows, :, chosen]
        return TwoLines(self.splits[chosen], slope[:, 0], p[:, 0], slope[:, 1], p[:, 1])

    def _at(self, samples: np.ndarray, lines: _Lines) -> tuple[np.ndarray, np.ndarray]:
        """Return slopes and t statistics (each B x 2) of the interrupted regression with this break."""
        white = lines.sides.whiten(samples)
        slopes, n = white @ lines.slopes.T, len(self.x)
        residual = white - (white @ lines.basis) @ lines.basis.T
        variance = np.square(residual).sum(axis=1)[:, None] / (n - 4) * np.square(lines.slopes).sum(axis=1)
        if self.member is not None:
            scores = [np.square((residual * slope) @ self.member).sum(axis=1) for slope in lines.slopes]
            clusters = self.member.shape[1]
            correction = clusters / (clusters - 1) * (n - 1) / (n - 4)
            variance = np.maximum(variance, correction * np.stack(scores, axis=1))
        return slopes, slopes / np.sqrt(variance + 1e-300)

    def _robin_hood(self, samples: np.ndarray, strength: np.ndarray) -> np.ndarray:
        """Return the index of the break to use for each row (B)."""
        bowl = samples @ self._curvature
        smooth = (samples @ self._smooth) @ self._smooth.T
        residual = np.square(samples - smooth).sum(axis=1) / (len(self.x) - self._smooth.shape[1])
        height = -np.sign(bowl)[:, None] * smooth
        inner = (self.x >= self.splits[0]) & (self.x <= self.splits[-1])
        top = np.where(inner, height, -np.inf).argmax(axis=1)
        stderr = np.sqrt(residual * np.square(self._smooth).sum(axis=1)[top])
        flat = inner & (height >= (height[np.arange(len(top)), top] - stderr)[:, None])
        middle = self._index(_quantile(self.x, flat, np.full(len(samples), 0.5)))
        before, after = (strength[np.arange(len(middle)), side, middle] for side in (0, 1))
        return self._index(_quantile(self.x, flat, after / (before + after + 1e-300)))

    def _index(self, at: np.ndarray) -> np.ndarray:
        return np.clip(np.searchsorted(self.splits, at, side="right") - 1, 0, len(self.splits) - 1)


def _interrupted(x: np.ndarray, at: float, points: Dependence) -> _Lines:
    high = x > at
    columns = [part for side in (~high, high) for part in (side.astype(float), np.where(side, x - x[side].mean(), 0.0))]
    sides = points.split(high.astype(float))
    design = sides.whiten(np.array(columns)).T
    return _Lines(np.linalg.pinv(design)[[1, 3]], np.linalg.qr(design)[0], sides)


def _quantile(x: np.ndarray, chosen: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return for each row the `share` quantile of the chosen x."""
    ordered = np.sort(np.where(chosen, x, np.inf), axis=1)
    position = share * (chosen.sum(axis=1) - 1)
    below = np.floor(position).astype(int)
    above = np.minimum(below + 1, chosen.sum(axis=1) - 1)
    rows = np.arange(len(ordered))
    low, high = ordered[rows, below], ordered[rows, above]
    return np.asarray(low + (position - below) * (high - low))

"""Noise that neighbouring checkpoints share, and how it is taken out of trajectories before least squares.

The noise of a trajectory is taken for an autoregression of order 1 (at uneven distances: an Ornstein-Uhlenbeck
process). Noise one lag apart correlates by rho, d lags apart by rho to the d. A lag is one checkpoint, whatever the
distance (a doubling of the tokens on the paper's eight steps, a thousand steps on 143 even ones), or a distance in log
tokens, the median one between neighbours. A share of the noise may be white besides, as that of questions is. On
whitened values least squares is generalised least squares (Aitken 1935).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import solve_triangular

from trajectories.analysis.tails import two_sided


@dataclass(frozen=True)
class Noise:
    """Noise of variance 1 that correlates by `rho` one lag apart, but for a share that is `white`."""

    rho: float
    by_tokens: bool = False
    white: float = 0.0

    @property
    def neighbours(self) -> float:
        """How much the noise of neighbouring checkpoints correlates (by tokens: at the median distance)."""
        return round((1 - self.white) * self.rho, 3)

    def over(self, x: np.ndarray) -> "Dependence":
        """Return the dependence of points at `x` (log10 tokens, ascending)."""
        return Dependence(self, lags(x) if self.by_tokens else np.arange(len(x), dtype=float))


WHITE = Noise(0.0)


def lags(x: np.ndarray) -> np.ndarray:
    """Return the places of `x` in units of the median distance between neighbours."""
    return np.asarray((x - x[0]) / np.median(np.diff(x))) if len(x) > 1 else np.zeros(len(x))


@dataclass(frozen=True, eq=False)
class Dependence:
    """The dependence of n points at `lags`; points of different `runs` (n, numbers that ascend) are independent."""

    noise: Noise
    lags: np.ndarray
    runs: np.ndarray | None = None

    @property
    def key(self) -> bytes:
        """Return what tells it from others."""
        runs = b"" if self.runs is None else self.runs.tobytes()
        return repr(self.noise).encode() + self.lags.tobytes() + runs

    def split(self, runs: np.ndarray) -> "Dependence":
        """Return the same with points of different `runs` independent."""
        return replace(self, runs=runs)

    def alike(self, distance: np.ndarray) -> np.ndarray:
        """Return how noise of points so many lags apart correlates."""
        return np.asarray((1 - self.noise.white) * self.noise.rho**distance)

    @cached_property
    def blocks(self) -> list[tuple[slice, np.ndarray]]:
        """Return, run by run, the Cholesky factor of its correlations; equal runs share one."""
        runs = np.zeros(len(self.lags)) if self.runs is None else self.runs
        ends = np.r_[0, np.flatnonzero(np.diff(runs)) + 1, len(runs)]
        found: dict[bytes, np.ndarray] = {}
        blocks = []
        for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            place = self.lags[start:end] - self.lags[start]
            key = place.round(9).tobytes()
            if key not in found:
                alike = self.alike(np.abs(np.subtract.outer(place, place)))
                np.fill_diagonal(alike, 1.0)
                found[key] = np.linalg.cholesky(alike)
            blocks.append((slice(start, end), found[key]))
        return blocks

    def whiten(self, samples: np.ndarray) -> np.ndarray:
        """Return each row (… x n) with the dependence taken out: such noise becomes white, of the same variance."""
        if self.noise.rho == 0:
            return samples
        white = np.empty(samples.shape)
        for block, factor in self.blocks:
            white[..., block] = solve_triangular(factor, samples[..., block].T, lower=True, check_finite=False).T
        return white

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return rows of such noise, Gaussian (count x n)."""
        noise = rng.standard_normal((count, len(self.lags)))
        if self.noise.rho > 0:
            for block, factor in self.blocks:
                noise[:, block] = noise[:, block] @ factor.T
        return noise


def independent(n: int) -> Dependence:
    """Return n points whose noise is independent."""
    return WHITE.over(np.arange(n, dtype=float))


def slopes(x: np.ndarray, samples: np.ndarray, dependence: Dependence) -> tuple[np.ndarray, np.ndarray]:
    """Return the slope and its standard error for each row (m x n): a line by generalised least squares.

    The slope over its standard error has a t distribution with n - 2 degrees of freedom if the dependence is right.
    """
    design = dependence.whiten(np.column_stack([np.ones_like(x), x - x.mean()]).T).T
    white = dependence.whiten(samples - samples.mean(axis=1, keepdims=True))
    coefficients = white @ np.linalg.pinv(design).T
    rest = np.square(white - coefficients @ design.T).sum(axis=1)
    unit = np.linalg.inv(design.T @ design)[1, 1]
    return coefficients[:, 1], np.sqrt(rest / (len(x) - 2) * unit)


def slope_p(x: np.ndarray, samples: np.ndarray, dependence: Dependence) -> np.ndarray:
    """Return the two-sided p-value of each row's slope; 1 for a row that never varies."""
    slope, stderr = slopes(x, samples, dependence)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(slope / stderr)
    return np.asarray(np.where(np.ptp(samples, axis=1) > 0, two_sided(t, len(x) - 2), 1.0))

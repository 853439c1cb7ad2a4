"""Serial dependence: how alike the noise of neighbouring checkpoints is, estimated from all trajectories of a study.

The noise of a trajectory is taken for an autoregression of order 1 over its checkpoints: noise of neighbours correlates
by rho, of the second next by rho squared. One lag is one checkpoint of the study's own steps, whatever their distance:
a doubling of the tokens on the paper's eight steps, a thousand steps on 143 even ones. Tests then work on whitened
values, where least squares is generalised least squares (Aitken 1935).

A trajectory of eight points says next to nothing about rho, so trajectories lend each other strength. Each gives its
restricted likelihood (Patterson & Thompson 1971: without the bias that a fitted curve brings) about a smooth curve for
20 levels of rho; over trajectories artanh(rho) is normal with a mean and a spread that are integrated out over a grid.
A trajectory is tested under a cautious level, the quantile `CAUTION` of what rho may be given all of them: a single
short trajectory gets about 0.8, many alike ones get little more than their common value.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from patsy import dmatrix
from scipy import stats
from scipy.signal import lfilter

LEVELS = np.round(np.arange(20) * 0.05, 2)
"""Correlations considered."""
CAUTION = 0.8
FEWEST = 5
"""Points for which the likelihood of a trajectory about a parabola says anything."""
_MEANS = np.arctanh([-0.3, *np.arange(0, 0.95, 0.1), 0.95])
_SPREADS = np.array([0.05, 0.1, 0.2, 0.4])
Curve = tuple[np.ndarray, np.ndarray]
"""log10 tokens (n, ascending) and values (n) of one trajectory."""


def whiten(samples: np.ndarray, rho: float, starts: np.ndarray | None = None) -> np.ndarray:
    """Return each row (… x n) with the dependence taken out: noise of correlation `rho` becomes white, same variance.

    `starts` (n, boolean) marks where a trajectory begins; without it the row is one trajectory.
    """
    if rho == 0:
        return samples
    change = (samples[..., 1:] - rho * samples[..., :-1]) / np.sqrt(1 - rho**2)
    if starts is not None:
        change = np.where(starts[1:], samples[..., 1:], change)
    return np.concatenate([samples[..., :1], change], axis=-1)


def serial_noise(shape: tuple[int, int], rho: float, rng: np.random.Generator) -> np.ndarray:
    """Return rows of stationary Gaussian noise of variance 1 whose neighbours correlate by `rho`."""
    white = rng.standard_normal(shape)
    if rho == 0:
        return white
    white[:, 1:] *= np.sqrt(1 - rho**2)
    return np.asarray(lfilter([1.0], [1.0, -rho], white, axis=1))


def assumed_correlations(curves: Sequence[Curve], serial: float | str = "auto") -> np.ndarray:
    """Return the correlation under which each curve is to be tested: the one given, or by `auto` one of `LEVELS`."""
    if not isinstance(serial, str):
        return np.full(len(curves), float(serial))
    if not curves:
        return np.empty(0)
    likelihoods = np.zeros((len(curves), len(LEVELS)))
    for places in by_grid(curves):
        x = curves[places[0]][0]
        if len(x) >= FEWEST:
            likelihoods[places] = log_likelihoods(x, np.array([curves[place][1] for place in places]))
    return cautious_levels(likelihoods)


def by_grid(curves: Sequence[Curve]) -> list[list[int]]:
    """Return the places of curves that share their x, group by group."""
    groups: dict[bytes, list[int]] = {}
    for place, (x, _) in enumerate(curves):
        groups.setdefault(x.tobytes(), []).append(place)
    return list(groups.values())


def log_likelihoods(x: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return the restricted log likelihood of every level for each row of `samples` (m x 20), 0 at its best.

    Rows that a smooth curve describes to rounding say nothing: all levels are equal.
    """
    design = _smooth(x)
    n, k = design.shape
    columns = []
    for rho in LEVELS.tolist():
        basis, triangle = np.linalg.qr(whiten(design.T, rho).T)
        white = whiten(samples, rho)
        rest = np.square(white - (white @ basis) @ basis.T).sum(axis=1)
        volume = (n - 1) / 2 * np.log(1 - rho**2) + np.log(np.abs(np.diag(triangle))).sum()
        columns.append(-volume - (n - k) / 2 * np.log(np.maximum(rest, 1e-300)))
    found = np.stack(columns, axis=1)
    basis, _ = np.linalg.qr(design)
    rest = np.square(samples - (samples @ basis) @ basis.T).sum(axis=1)
    noisy = rest > 1e-20 * np.square(samples).sum(axis=1)
    return np.asarray(np.where(noisy[:, None], found - found.max(axis=1, keepdims=True), 0.0))


def cautious_levels(likelihoods: np.ndarray) -> np.ndarray:
    """Return for each row of log likelihoods (m x 20) the `CAUTION` quantile of the level, given all rows (m)."""
    priors, likelihood = _priors(), np.exp(likelihoods)
    marginal = likelihood @ priors.T
    evidence = np.log(marginal).sum(axis=0)
    weight = np.exp(evidence - evidence.max())
    posterior = ((weight / weight.sum()) / marginal) @ priors * likelihood
    posterior /= posterior.sum(axis=1, keepdims=True)
    below = (posterior.cumsum(axis=1) < CAUTION).sum(axis=1)
    return np.asarray(LEVELS[np.minimum(below, len(LEVELS) - 1)])


@lru_cache(maxsize=1)
def _priors() -> np.ndarray:
    """Return distributions over `LEVELS`, one per mean and spread of artanh(rho) (h x 20)."""
    place = np.arctanh(LEVELS)
    distance = (place - _MEANS[:, None, None]) / _SPREADS[:, None]
    density = np.exp(-0.5 * np.square(distance)) / (1 - LEVELS**2)
    density = density.reshape(-1, len(LEVELS)) + 1e-300
    return np.asarray(density / density.sum(axis=1, keepdims=True))


def _smooth(x: np.ndarray) -> np.ndarray:
    """Return the smooth curves that are no noise: parabolas, from 20 points on natural cubic splines of 5 columns."""
    if len(x) >= 20:
        return np.asarray(dmatrix("cr(x, df=5) - 1", {"x": x}))
    centred = (x - x.mean()) / np.ptp(x)
    return np.column_stack([np.ones_like(centred), centred, centred**2])


def slopes(x: np.ndarray, samples: np.ndarray, rho: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the slope and its standard error for each row (m x n): a line by generalised least squares.

    The slope over its standard error has a t distribution with n - 2 degrees of freedom if `rho` is right.
    """
    design = whiten(np.column_stack([np.ones_like(x), x - x.mean()]).T, rho).T
    white = whiten(samples - samples.mean(axis=1, keepdims=True), rho)
    coefficients = white @ np.linalg.pinv(design).T
    rest = np.square(white - coefficients @ design.T).sum(axis=1)
    unit = np.linalg.inv(design.T @ design)[1, 1]
    return coefficients[:, 1], np.sqrt(rest / (len(x) - 2) * unit)


def slope_p(x: np.ndarray, samples: np.ndarray, rho: float) -> np.ndarray:
    """Return the two-sided p-value of each row's slope; 1 for a row that never varies."""
    slope, stderr = slopes(x, samples, rho)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(slope / stderr)
    return np.asarray(np.where(np.ptp(samples, axis=1) > 0, 2 * stats.t.sf(t, len(x) - 2), 1.0))

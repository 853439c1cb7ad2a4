"""How alike the noise of neighbouring checkpoints is, estimated from all trajectories of a study.

A trajectory of eight points says next to nothing about the correlation, so trajectories lend each other strength. Each
gives its restricted likelihood (Patterson & Thompson 1971: without the bias that a fitted curve brings) about a smooth
curve for 20 levels of rho; over trajectories artanh(rho) is normal with a mean and a spread that are integrated out
over a grid. A trajectory is tested under a cautious level, the quantile `CAUTION` of what rho may be given all of them:
a single short trajectory gets 0.85 or 0.9, many alike ones get little more than their common value. What a lag is and
which share is white (`dependence`) is one thing for a study: a lag is a checkpoint and nothing is white, unless another
kind of noise is `CLEARLY` likelier.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from patsy import dmatrix

from trajectories.analysis.dependence import Noise

LEVELS = np.round(np.arange(20) * 0.05, 2)
"""Correlations considered."""
CAUTION = 0.85
CLEARLY = 3.0
"""Natural logarithm of the Bayes factor."""
FEWEST = 5
"""Points for which the likelihood of a trajectory about a parabola says anything."""
_MEANS = np.arctanh([-0.3, *np.arange(0, 0.95, 0.1), 0.95])
_SPREADS = np.array([0.05, 0.1, 0.2, 0.4])
Curve = tuple[np.ndarray, np.ndarray]
"""log10 tokens (n, ascending) and values (n) of one trajectory."""


KINDS = tuple(Noise(0.0, by_tokens, white) for by_tokens in (False, True) for white in (0.0, 0.2, 0.5, 0.8))
"""What the noise of a study may be like, but for `rho`."""


def assumed_noise(curves: Sequence[Curve], serial: float | str = "auto") -> list[Noise]:
    """Return the noise under which each curve is to be tested: of the correlation given, or by `auto` from all."""
    if not isinstance(serial, str):
        return [Noise(float(serial))] * len(curves)
    if not curves:
        return []
    likelihoods = np.zeros((len(KINDS), len(curves), len(LEVELS)))
    for places in by_grid(curves):
        x = curves[places[0]][0]
        if len(x) >= FEWEST:
            likelihoods[:, places] = log_likelihoods(x, np.array([curves[place][1] for place in places]))
    return likely_noise(likelihoods)


def likely_noise(likelihoods: np.ndarray) -> list[Noise]:
    """Return the noise under which each curve of a study is to be tested, from all `log_likelihoods` (8 x m x 20)."""
    evidence = [_evidence(of_kind) for of_kind in likelihoods]
    totals = np.array([np.logaddexp.reduce(one) for one in evidence])
    best = int(totals.argmax()) if totals.max() > totals[0] + CLEARLY else 0
    levels = _cautious_levels(likelihoods[best], evidence[best])
    return [replace(KINDS[best], rho=level) for level in levels.tolist()]


def by_grid(curves: Sequence[Curve]) -> list[list[int]]:
    """Return the places of curves that share their x, group by group."""
    groups: dict[bytes, list[int]] = {}
    for place, (x, _) in enumerate(curves):
        groups.setdefault(x.tobytes(), []).append(place)
    return list(groups.values())


def log_likelihoods(x: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Return the restricted log likelihood of every kind and level for each row of `samples` (8 x m x 20), 0 at best.

    Rows that a smooth curve describes to rounding say nothing: all are equal.
    """
    candidates = _candidates(x.tobytes())
    n, k = candidates.basis.shape
    rest = np.square(samples - (samples @ candidates.basis) @ candidates.basis.T).sum(axis=1)
    noisy = rest > 1e-20 * np.square(samples).sum(axis=1)
    centred = (samples - samples.mean(axis=1, keepdims=True)).T
    squares = (np.square(part @ centred).sum(axis=1) for part in (candidates.whitening, candidates.smooth))
    rest = np.maximum(next(squares) - next(squares), 1e-300)
    found = -candidates.volume[:, None] - (n - k) / 2 * np.log(rest)
    found = found.reshape(len(KINDS), len(LEVELS), len(samples)).transpose(0, 2, 1)
    return np.where(noisy[:, None], found - found.max(axis=(0, 2))[:, None], 0.0)


@dataclass(frozen=True)
class _Candidates:
    """For one x, each kind of noise at each level (160): what whitens (n x n), its smooth part (k x n), the volume."""

    basis: np.ndarray
    whitening: np.ndarray
    smooth: np.ndarray
    volume: np.ndarray


@lru_cache(maxsize=4)
def _candidates(places: bytes) -> _Candidates:
    x = np.frombuffer(places)
    design = _smooth(x)
    whitening, smooth, volume = [], [], []
    for kind in KINDS:
        for rho in LEVELS.tolist():
            points = replace(kind, rho=rho).over(x)
            white = points.whiten(np.eye(len(x))).T
            basis, triangle = np.linalg.qr(white @ design)
            whitening.append(white)
            smooth.append(basis.T @ white)
            volume.append(np.log(np.abs(np.diag(triangle))).sum() - np.log(np.diag(white)).sum())
    return _Candidates(np.linalg.qr(design)[0], np.array(whitening), np.array(smooth), np.array(volume))


def _evidence(likelihoods: np.ndarray) -> np.ndarray:
    """Return the log likelihood of all rows (m x 20) under each prior (h)."""
    return np.asarray(np.log(np.exp(likelihoods) @ _priors().T + 1e-300).sum(axis=0))


def _cautious_levels(likelihoods: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """Return for each row of log likelihoods (m x 20) the `CAUTION` quantile of the level, given all rows (m)."""
    priors, likelihood = _priors(), np.exp(likelihoods - likelihoods.max(axis=1, keepdims=True))
    weight = np.exp(evidence - evidence.max())
    posterior = ((weight / weight.sum()) / (likelihood @ priors.T)) @ priors * likelihood
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

"""Permutation tests that keep every trajectory whole.

Points of one training run belong together, so what is exchanged is the run, never the point (Good 2005, Permutation,
Parametric and Bootstrap Tests of Hypotheses; Winkler et al. 2014, NeuroImage 92, on exchangeable blocks):

- parameters and interaction: if size does not matter, each trajectory could have been any size's, so the sizes are
  dealt out anew among whole trajectories;
- tokens: if training does not matter, a trajectory's course about its mean could as well have gone the other way, so
  whole courses are turned over, each or not.
"""

import itertools
import math

import numpy as np
import pandas as pd

from trajectories.analysis.regression import zscore

BLOCK = 500
"""How many permuted data sets are fitted at a time; bounds the memory."""


def trajectory_p(
    points: pd.DataFrame, value: np.ndarray, resamples: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return two-sided p-values of parameters, tokens and interaction; the statistic is the paper's |t|.

    All arrangements are used where there are at most `resamples` of them, otherwise that many random ones.
    """
    codes, _ = pd.factorize(points["model"])
    sizes = points.groupby(codes)["parameters"].first().to_numpy(float)
    tokens = np.log10(points["tokens"].to_numpy(float))
    dealt = np.log10(sizes)[_orders(len(sizes), resamples, rng)]
    courses = value - pd.Series(value).groupby(codes).transform("mean").to_numpy(float)
    turned = value - courses + courses * _signs(len(sizes), resamples, rng)[:, codes]
    by_size = _statistics(dealt[:, codes], tokens, np.broadcast_to(value, (len(dealt), len(value))))
    by_course = _statistics(np.broadcast_to(np.log10(sizes)[codes], turned.shape), tokens, turned)
    return _share(by_size[:, 0]), _share(by_course[:, 1]), _share(by_size[:, 2])


def _share(statistics: np.ndarray) -> float:
    """Return the share of arrangements at least as extreme as the first, which is the observed one."""
    return float(np.mean(statistics >= statistics[0] * (1 - 1e-9)))


def _orders(count: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    if math.factorial(min(count, 12)) <= resamples:
        return np.array(list(itertools.permutations(range(count))))
    random = rng.permuted(np.tile(np.arange(count), (resamples, 1)), axis=1)
    return np.vstack([np.arange(count), random])


def _signs(count: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    if count < 31 and 2**count <= resamples:
        return np.array(list(itertools.product((1.0, -1.0), repeat=count)))
    return np.vstack([np.ones(count), rng.choice((1.0, -1.0), (resamples, count))])


def _statistics(log_parameters: np.ndarray, log_tokens: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return |t| of parameters, tokens and interaction (B x 3) for B arrangements of sizes and values (B x n)."""
    blocks = range(0, len(values), BLOCK)
    return np.vstack([_block(log_parameters[i : i + BLOCK], log_tokens, values[i : i + BLOCK]) for i in blocks])


def _block(log_parameters: np.ndarray, log_tokens: np.ndarray, values: np.ndarray) -> np.ndarray:
    sizes = log_parameters - log_parameters.mean(axis=1, keepdims=True)
    sizes = sizes / sizes.std(axis=1, ddof=1, keepdims=True)
    tokens = np.broadcast_to(zscore(log_tokens), values.shape)
    design = np.stack([np.ones_like(sizes), sizes, tokens, sizes * tokens], axis=2)
    inverse = np.linalg.inv(design.transpose(0, 2, 1) @ design)
    beta = (inverse @ (design.transpose(0, 2, 1) @ values[:, :, None]))[:, :, 0]
    residual = values - (design @ beta[:, :, None])[:, :, 0]
    variance = np.square(residual).sum(axis=1) / (values.shape[1] - 4)
    stderr = np.sqrt(variance[:, None] * np.diagonal(inverse, axis1=1, axis2=2))
    with np.errstate(divide="ignore", invalid="ignore"):  # an arrangement may fit exactly: t is infinite
        return np.asarray(np.abs(beta / stderr)[:, 1:])

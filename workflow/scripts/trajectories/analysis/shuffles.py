"""Permutation tests between sizes: what is exchanged is a size's level or slope, never a point.

The checkpoints of a run, and the runs of a size, belong together (Winkler et al. 2014, NeuroImage 92, on exchangeable
blocks). Each term has a number per size and a t statistic of its own, so that one effect cannot pass for another:

- parameters: if size does not matter, each level could have been any size's; levels are dealt out anew among sizes;
- interaction: the same with the slopes;
- tokens: if training does not matter at the mean size, what is left of the slopes after the line through the origin
  over size could as well have the other sign; these residuals are turned over, each or not (Freedman & Lane 1983).

Every arrangement is used where there are at most `MOST` of them: all 40,320 orders of eight sizes, all 2^15 turns.
"""

import itertools
import math
from functools import cache

import numpy as np

MOST = 40_320
"""The most arrangements that are looked at; more sizes than eight are dealt that many times at random."""


def size_shuffles(
    place: np.ndarray, level: np.ndarray, slope: np.ndarray, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return two-sided p-values of parameters, tokens and interaction from one place, level and slope per size (G)."""
    orders = _orders(len(place), rng)
    centred = place - place.mean()
    by_size = [_share(np.abs(values[orders] @ centred)) for values in (level, slope)]  # |t| grows with this and no more
    fitted = place * (place @ slope) / (place @ place)
    turned = fitted + (slope - fitted) * _signs(len(place), rng)
    return by_size[0], _share(_t_of_mean(turned, place)), by_size[1]


def smallest_p(sizes: int) -> tuple[float, float, float]:
    """Return the smallest p-values of `size_shuffles` that so many sizes allow."""
    orders, turns = min(math.factorial(min(sizes, 12)), MOST), min(2 ** min(sizes, 30), MOST)
    return 1 / orders, 2 / turns, 1 / orders  # turning all signs leaves |t| as it is


def _share(statistics: np.ndarray) -> float:
    """Return the share of arrangements at least as extreme as the first, which is the observed one."""
    return float(np.mean(statistics >= statistics[0] * (1 - 1e-9)))


@cache
def _every_order(count: int) -> np.ndarray:
    return np.array(list(itertools.permutations(range(count))))


def _orders(count: int, rng: np.random.Generator) -> np.ndarray:
    if math.factorial(min(count, 12)) <= MOST:
        return _every_order(count)
    random = rng.permuted(np.tile(np.arange(count), (MOST - 1, 1)), axis=1)
    return np.vstack([np.arange(count), random])


def _signs(count: int, rng: np.random.Generator) -> np.ndarray:
    if count < 31 and 2**count <= MOST:
        return np.array(list(itertools.product((1.0, -1.0), repeat=count)))
    return np.vstack([np.ones(count), rng.choice((1.0, -1.0), (MOST - 1, count))])


def _t_of_mean(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return |t| of the height at place 0 for each row of values (B x G); infinite where a row fits exactly."""
    design = np.column_stack([np.ones(len(place)), place])
    coefficients = values @ np.linalg.pinv(design).T
    rest = np.square(values - coefficients @ design.T).sum(axis=1)
    scale = np.linalg.inv(design.T @ design)[0, 0] / (len(place) - 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(coefficients[:, 0]) / np.sqrt(rest * scale))

"""Mann-Kendall rank trend test with the exact null distribution, ties included.

Sources: Mann (1945), Econometrica 13; Kendall (1970), Rank Correlation Methods; the generating function of
inversions of a multiset is the q-multinomial coefficient (MacMahon 1916).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import norm

EXACT_UP_TO = 40
"""Most points for which the exact distribution is used."""


@dataclass(frozen=True)
class RankTrend:
    """Kendall's tau-b of the values with their order, its two-sided p-value and how that was found."""

    tau: float
    p: float
    method: str


def rank_trend(values: Sequence[float] | np.ndarray) -> RankTrend:
    """Test whether `values`, in order of time, rise or fall (Mann-Kendall).

    Ties among values are allowed, times must differ. Up to `EXACT_UP_TO` values the p-value is exact, beyond it is
    the normal one with tie-corrected variance and continuity correction. Values that never vary have tau 0, p 1.
    """
    ordered = np.asarray(values, dtype=float)
    n = len(ordered)
    score = int(np.sign(ordered[None, :] - ordered[:, None])[np.triu_indices(n, 1)].sum())
    ties = tuple(sorted(np.unique(ordered, return_counts=True)[1].tolist()))
    pairs = n * (n - 1) // 2
    untied = pairs - sum(size * (size - 1) // 2 for size in ties)
    if untied == 0:
        return RankTrend(0.0, 1.0, "exact")
    tau = score / math.sqrt(pairs * untied)
    if n <= EXACT_UP_TO:
        return RankTrend(tau, exact_p(score, ties), "exact")
    return RankTrend(tau, _normal_p(score, ties), "normal")


@lru_cache(maxsize=512)
def exact_p(score: int, ties: tuple[int, ...]) -> float:
    """Return P(|S| >= |score|) for the Kendall score S of a random order of values with tie groups of these sizes."""
    counts = inversion_counts(ties)
    highest = len(counts) - 1
    extreme = sum(count for inversions, count in enumerate(counts) if abs(highest - 2 * inversions) >= abs(score))
    return extreme / sum(counts)


@lru_cache(maxsize=512)
def inversion_counts(ties: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many orders of a multiset with these multiplicities have 0, 1, 2, ... inversions."""
    numerator = [1]
    for size in range(2, sum(ties) + 1):
        numerator = _times(numerator, size)
    for multiplicity in ties:
        for size in range(2, multiplicity + 1):
            numerator = _divided(numerator, size)
    return tuple(numerator)


def _times(polynomial: list[int], size: int) -> list[int]:
    """Return polynomial * (1 + q + ... + q^(size-1))."""
    sums, running = [], 0
    for power in range(len(polynomial) + size - 1):
        running += polynomial[power] if power < len(polynomial) else 0
        running -= polynomial[power - size] if power >= size else 0
        sums.append(running)
    return sums


def _divided(polynomial: list[int], size: int) -> list[int]:
    """Return polynomial / (1 + q + ... + q^(size-1)), which must divide it."""
    quotient: list[int] = []
    for power in range(len(polynomial) - size + 1):
        quotient.append(polynomial[power] - sum(quotient[max(0, power - size + 1) : power]))
    return quotient


def _normal_p(score: int, ties: tuple[int, ...]) -> float:
    n = sum(ties)
    variance = (n * (n - 1) * (2 * n + 5) - sum(size * (size - 1) * (2 * size + 5) for size in ties)) / 18
    return float(min(1.0, 2 * norm.sf(max(abs(score) - 1, 0) / math.sqrt(variance))))

"""Least squares for many samples at once, from their sums of squares and their products with a few columns.

Wild cluster samples (fitted values plus residuals, each cluster's times a weight of its own) need not be written out:
both are polynomials in the weights, so a sample costs as many numbers as there are clusters, however many points.
"""

from dataclasses import dataclass

import numpy as np

from trajectories.analysis.clustered import WEBB


@dataclass(frozen=True)
class Projected:
    """For B samples: the sum of squares (B), and the products with C columns (B x C)."""

    total: np.ndarray
    products: np.ndarray


def projected(samples: np.ndarray, columns: np.ndarray) -> Projected:
    """Return the numbers of samples that are at hand (B x n)."""
    return Projected(np.square(samples).sum(axis=1), samples @ columns)


def wild_projected(
    fitted: np.ndarray,
    residual: np.ndarray,
    member: np.ndarray,
    columns: np.ndarray,
    resamples: int,
    rng: np.random.Generator,
) -> Projected:
    """Return the numbers of wild cluster samples about `fitted` (n), with Webb's weights, clusters by `member`."""
    weights = rng.choice(WEBB, (resamples, member.shape[1]))
    cross, own = member.T @ (fitted * residual), member.T @ np.square(residual)
    total = fitted @ fitted + 2 * weights @ cross + np.square(weights) @ own
    return Projected(total, fitted @ columns + weights @ (member.T @ (residual[:, None] * columns)))

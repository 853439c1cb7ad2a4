"""Inference with few clusters: cluster-robust t statistics and the wild cluster bootstrap, for many samples at once.

Sources: Cameron, Gelbach & Miller (2008), Review of Economics and Statistics 90 (restricted wild cluster bootstrap
of the t statistic); Webb (2014), Queen's Economics Department Working Paper 1315 (six-point weights for few clusters).
"""

import numpy as np
import pandas as pd

WEBB = np.sqrt(np.array([0.5, 1.0, 1.5, 0.5, 1.0, 1.5])) * np.array([-1, -1, -1, 1, 1, 1])


def membership(groups: pd.Series | np.ndarray) -> np.ndarray:
    """Return the n x G matrix that is 1 where row i belongs to group g."""
    codes, names = pd.factorize(groups)
    return np.asarray(np.eye(len(names))[codes])


def cluster_t(samples: np.ndarray, design: np.ndarray, member: np.ndarray, term: int) -> np.ndarray:
    """Return the cluster-robust t statistic of coefficient `term` for each row of `samples` (B x n).

    The variance is the sandwich with the correction G/(G-1) * (n-1)/(n-k), as statsmodels' and Stata's default.
    """
    weights = np.linalg.pinv(design)
    coefficients = samples @ weights.T
    residuals = samples - coefficients @ design.T
    clusters, (n, k) = member.shape[1], design.shape
    correction = clusters / (clusters - 1) * (n - 1) / (n - k)
    variance = correction * np.square((residuals * weights[term]) @ member).sum(axis=1)
    return np.asarray(coefficients[:, term] / np.sqrt(variance))


def wild_samples(
    fitted: np.ndarray, residuals: np.ndarray, member: np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Return `resamples` x n samples: fitted values plus residuals times one Webb weight per cluster."""
    weights = rng.choice(WEBB, (resamples, member.shape[1]))
    return np.asarray(fitted + residuals * (weights @ member.T))


def wild_cluster_p(
    y: np.ndarray, design: np.ndarray, member: np.ndarray, term: int, resamples: int, rng: np.random.Generator
) -> float:
    """Return the two-sided wild cluster bootstrap p-value of coefficient `term`, the null imposed on the samples."""
    restricted = np.delete(design, term, axis=1)
    fitted = restricted @ (np.linalg.pinv(restricted) @ y)
    samples = wild_samples(fitted, y - fitted, member, resamples, rng)
    observed = abs(cluster_t(y[None, :], design, member, term)[0])
    extreme = np.abs(cluster_t(samples, design, member, term)) >= observed * (1 - 1e-12)
    return float((1 + extreme.sum()) / (1 + resamples))

"""Tails of Student's t, the F and the normal distribution, from `scipy.special`.

`scipy.stats` asks the same functions, so the numbers are the same to the last bit; what it puts around them costs half
a second to import and, for a single number, a hundred times the sum itself.
"""

import numpy as np
from scipy.special import fdtrc, ndtr, stdtr, stdtrit


def t_tail(t: np.ndarray | float, df: np.ndarray | float) -> np.ndarray:
    """Return the probability of a larger t (upper tail)."""
    return np.asarray(stdtr(df, -np.asarray(t, dtype=float)))


def two_sided(t: np.ndarray | float, df: np.ndarray | float) -> np.ndarray:
    """Return the two-sided p-value of t."""
    return np.asarray(2 * t_tail(np.abs(t), df))


def t_beyond(share: float, df: float) -> float:
    """Return the t that is exceeded with probability `share`."""
    return -float(stdtrit(df, share))


def f_tail(f: np.ndarray | float, df_model: float, df_resid: float) -> np.ndarray:
    """Return the probability of a larger F."""
    return np.asarray(fdtrc(df_model, df_resid, f))


def normal_tail(z: np.ndarray | float) -> np.ndarray:
    """Return the probability of a larger standard normal value."""
    return np.asarray(ndtr(-np.asarray(z, dtype=float)))

"""Ordinary least squares for the many small fits of which only coefficients and standard errors are asked.

The sums are those of statsmodels' `OLS` in the same order (pseudoinverse by singular values), so the numbers are the
same to the last bit; statsmodels takes nearly a millisecond to make a result, ten times what the sums take.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fit:
    """Coefficients (k), their covariance but for the noise's variance (k x k), residual sum of squares and its df."""

    coefficients: np.ndarray
    unscaled: np.ndarray
    ssr: float
    df: int

    @property
    def variance(self) -> float:
        """Return the estimated variance of the noise."""
        return self.ssr / self.df

    @property
    def stderr(self) -> np.ndarray:
        """Return the coefficients' standard errors (k)."""
        return np.asarray(np.sqrt(np.diag(self.unscaled * self.variance)))


def least_squares(y: np.ndarray, design: np.ndarray) -> Fit:
    """Fit y (n) on the columns of the design (n x k); a rank below k leaves more degrees of freedom."""
    left, values, right = np.linalg.svd(design, full_matrices=False)
    with np.errstate(divide="ignore"):
        inverse = np.where(values > 1e-15 * values.max(), 1 / values, 0.0)
    solver = right.T @ (inverse[:, None] * left.T)
    coefficients = solver @ y
    rest = y - design @ coefficients
    rank = np.count_nonzero(values > values.max() * len(values) * np.finfo(float).eps)
    return Fit(coefficients, solver @ solver.T, float(rest @ rest), len(y) - int(rank))

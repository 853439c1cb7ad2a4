"""Two numbers that describe a trajectory by its pairs of points: Kendall's tau and the slope of Theil & Sen."""

import numpy as np


def tau(values: np.ndarray) -> float:
    """Return Kendall's tau-b of the values (n) with their order; 0 where they never vary, missing for a single one.

    Kendall (1945), Biometrika 33: concordant less discordant pairs, over the geometric mean of the pairs that are not
    tied in either; in their order none are.
    """
    if len(values) < 2:
        return float("nan")
    signs = np.sign(np.subtract.outer(values, values)[np.tril_indices(len(values), -1)])
    untied = np.count_nonzero(signs)
    return float(np.clip(signs.sum() / np.sqrt(len(signs)) / np.sqrt(untied), -1, 1)) if untied else 0.0


def median_slope(x: np.ndarray, y: np.ndarray) -> float:
    """Return the median of the slopes between any two points of different x (n each); missing where there are none.

    Sen (1968), Journal of the American Statistical Association 63.
    """
    run, rise = np.subtract.outer(x, x), np.subtract.outer(y, y)
    forward = run > 0
    return float(np.median(rise[forward] / run[forward])) if forward.any() else float("nan")

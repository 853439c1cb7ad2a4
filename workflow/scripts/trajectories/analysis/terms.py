"""What the paper's regression is made of: its terms, z-scores, and their design.

Apart from the fit, so that who draws or reads coefficients does not wait for statsmodels.
"""

import numpy as np
import pandas as pd

from trajectories.analysis.points import varies

TERMS = ("parameters", "tokens", "interaction")

CHANGES = {
    "parameters": "twice the parameters",
    "tokens": "ten times the tokens",
    "interaction": "ten times the tokens, per twice the parameters",
}
"""What the effect of a term is the effect of; of the interaction: by how much twice the parameters change the slope."""


def zscore(values: np.ndarray) -> np.ndarray:
    """Return (values - mean) / sample standard deviation (n - 1), as R's `scale`."""
    return np.asarray((values - values.mean()) / values.std(ddof=1), dtype=float)


def design_matrix(points: pd.DataFrame) -> np.ndarray:
    """Return the n x 4 design: 1, z(log10 parameters), z(log10 tokens), and the product of the two z-scores.

    Both variables must vary and be positive.
    """
    parameters = zscore(np.log10(points["parameters"].to_numpy(float)))
    tokens = zscore(np.log10(points["tokens"].to_numpy(float)))
    return np.column_stack([np.ones(len(points)), parameters, tokens, parameters * tokens])


def why_not(points: pd.DataFrame) -> str:
    """Return why the regression cannot be fitted to these points, or an empty string."""
    if points.empty:
        return "no values"
    if points["model"].nunique() == 1:
        return "one model only"
    if points["parameters"].nunique() == 1:
        return "all models have the same number of parameters"
    if points["tokens"].nunique() == 1:
        return "one step only"
    if len(points) < 6:
        return f"too few points ({len(points)}; 6 are needed)"
    if not varies(points["value"].to_numpy(float)):
        return "the value never varies"
    if np.linalg.matrix_rank(design_matrix(points)) < 4:
        return "parameters and tokens do not vary independently"
    return ""

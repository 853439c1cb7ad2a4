"""What the paper's regression is made of: its terms, z-scores, and their design.

Apart from the fit, so that who draws or reads coefficients does not wait for statsmodels.
"""

import numpy as np
import pandas as pd

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

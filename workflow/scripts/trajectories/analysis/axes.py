"""What training is measured by: tokens, compute, or the loss of the same checkpoint on a running text.

Against the loss, models of all sizes can be compared at the same general ability: Du et al. (2024), "Understanding
Emergent Abilities of Language Models from the Loss Perspective". The loss is in bits per byte, which does not depend on
the tokenizer.
"""

import pandas as pd

from trajectories.errors import UserError
from trajectories.study.metrics import BITS

FLOPS = 6.0
"""Operations per parameter and token (Kaplan et al. 2020)."""


def measured(accuracy: pd.DataFrame, axis: str, text: str | None) -> pd.DataFrame:
    """Return the rows of `accuracy` with a column `x`: tokens, 6 x parameters x tokens, or bits per byte on `text`.

    For the loss, checkpoints that have none are left out, and the text itself. Raises `UserError` where nothing is
    left.
    """
    if axis == "tokens":
        return accuracy.assign(x=accuracy["tokens"].astype(float))
    if axis == "compute":
        return accuracy.assign(x=FLOPS * accuracy["parameters"].astype(float) * accuracy["tokens"])
    of_text = accuracy[accuracy["task"] == text]
    loss = of_text[of_text["metric"] == BITS].rename(columns={"value": "x"})[["model", "step", "x"]]
    joined = accuracy[accuracy["task"] != text].merge(loss, on=["model", "step"])
    if joined.empty:
        raise UserError(f"statistics.axis: loss: no checkpoint has both {BITS} of {text!r} and another task's value")
    return joined

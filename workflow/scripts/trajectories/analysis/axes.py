"""What training is measured by: tokens, compute, or the loss of the same checkpoint on a running text.

Against the loss, models of all sizes can be compared at the same general ability: Du et al. (2024), "Understanding
Emergent Abilities of Language Models from the Loss Perspective". The loss is in bits per byte, which does not depend on
the tokenizer.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.points import Metrics, read_accuracy, records, table_of
from trajectories.analysis.regression import regression_table
from trajectories.errors import UserError
from trajectories.study.metrics import BITS
from trajectories.tables import write_table

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


def by_axis_table(accuracy: pd.DataFrame, metrics: Metrics, axis: str, text: str | None) -> pd.DataFrame:
    """Return the paper's regression with log10 tokens replaced by log10 compute, or by the loss turned over.

    Columns `COLUMNS["by_axis"]`. The loss is turned so that, as with tokens, more training is a larger x: a positive
    coefficient of the term `loss` says that the value rises as the loss falls.
    """
    rows = measured(accuracy, axis, text)
    x = -rows["x"] if axis == "loss" else np.log10(rows["x"].where(rows["x"] > 0))
    placed = rows.assign(tokens=10.0 ** x.to_numpy(float))
    table = regression_table(placed[placed["tokens"].notna()], {t: m for t, m in metrics.items() if t != text})
    terms = table["term"].replace({"tokens": axis})
    return table_of(records(table.assign(axis=axis, term=terms)), "by_axis")


def write_by_axis(
    accuracy: Path | str, output: Path | str, metrics: Metrics, axis: str, text: str | None, from_tokens: float
) -> None:
    """Read `accuracy.tsv`, write `by_axis.tsv`."""
    write_table(by_axis_table(read_accuracy(accuracy, from_tokens), metrics, axis, text), output, "by_axis")

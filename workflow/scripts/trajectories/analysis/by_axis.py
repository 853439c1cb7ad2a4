"""The paper's regression against another axis than tokens."""

from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.axes import measured
from trajectories.analysis.points import Metrics, read_accuracy, records, table_of
from trajectories.analysis.regression import regression_table
from trajectories.tables import write_table


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

"""Whatever is missing from a grid, every table comes out, without a warning of the numerics."""

import warnings

import numpy as np
import pandas as pd
import pytest

from support.accuracies import grid
from trajectories.analysis.breaks import breaks_table
from trajectories.analysis.checks import Setting
from trajectories.analysis.power import power_tables
from trajectories.analysis.regression import regression_table
from trajectories.analysis.sensitivity import sensitivity_table, survival_table
from trajectories.analysis.shapes import shapes_table
from trajectories.analysis.table1 import table1
from trajectories.analysis.trajectory import noise_by_name
from trajectories.analysis.trends import declines_table, trends_table

STEPS = (0, 1, 2, 4, 8, 16, 64, 128, 512, 1000, 2000, 4000)


def odd(seed: int) -> pd.DataFrame:
    """A grid with random models, steps and gaps, and values that may be constant, 0/1, ties, steps or missing."""
    rng = np.random.default_rng(seed)
    values = [
        lambda p, t: rng.random(len(t)),
        lambda p, t: np.full(len(t), rng.choice([0.0, 0.5, 1.0])),
        lambda p, t: (rng.random(len(t)) > 0.5).astype(float),
        lambda p, t: np.clip(0.1 * t, 0, 1),
        lambda p, t: np.round(rng.random(len(t)), 1),
    ]
    steps = tuple(sorted(rng.choice(STEPS, size=rng.integers(1, 12), replace=False).tolist()))
    table = grid(values[seed % 5], "t", int(rng.integers(1, 9)), steps, float(rng.choice([0, 0.01, np.nan])))
    table["questions"] = 1000.0 if rng.random() < 0.7 else np.nan
    table.loc[rng.random(len(table)) < rng.choice([0.0, 0.2]), "value"] = np.nan
    table = table[rng.random(len(table)) < rng.choice([0.3, 0.7, 1.0])]
    return pd.concat([table, table.assign(metric="loss", value=1 - table["value"])], ignore_index=True)


@pytest.mark.parametrize("seed", range(15))
def test_every_table_comes_out(seed: int) -> None:
    data, metrics = odd(seed), {"t": ("accuracy", "loss")[seed % 2]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = regression_table(data, metrics)
        survival = survival_table(sensitivity_table(data, metrics, Setting(resamples=39)))
        noise = noise_by_name(data, metrics, "auto")
        shapes = shapes_table(data, metrics, resamples=19, serial=noise)
        breaks = breaks_table(data, metrics, resamples=19, serial=noise)
        declines = declines_table(trends_table(data, metrics, noise))
        power, _ = power_tables(data, metrics, serial=noise)
    assert (fitted["reason"] == "").eq(fitted["p"].notna()).all()
    assert len(table1(fitted, {})) == 1
    assert len(survival) == 3
    assert (shapes["reason"] == "").eq(shapes["two_lines"].notna()).all()
    assert (breaks["reason"] == "").eq(breaks["p"].notna()).all()
    assert declines.empty or (declines["count"] <= declines["of"]).all()
    assert power.loc[power["smallest"].isna(), "reason"].ne("").all()

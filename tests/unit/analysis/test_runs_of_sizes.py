"""Runs of a size share what is the size's own: pooled tables count sizes, however many runs each has."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from support.accuracies import STEPS, TOKENS_PER_STEP, grid
from trajectories.analysis.breaks import write_breaks
from trajectories.analysis.designs import Design, interaction_power_over_models
from trajectories.analysis.points import size_means, task_points
from trajectories.analysis.power import observed_noise
from trajectories.analysis.shapes import shapes_table, write_shapes
from trajectories.tables import read_table, write_table

METRICS = {"t": "accuracy"}


def runs_of(sizes: int, runs: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return sizes whose levels are their own, with runs that differ by little."""
    whole = grid(lambda p, t: 0.5 + 0.02 * np.sin(7 * t), models=sizes)
    levels = dict(zip(whole["model"].unique(), rng.normal(0, 0.1, sizes), strict=True))
    whole = whole.assign(value=whole["value"] + whole["model"].map(levels))
    parts = [whole.assign(model=whole["model"] + f"-{run}") for run in range(runs)]
    return pd.concat([part.assign(value=part["value"] + rng.normal(0, 0.003, len(part))) for part in parts])


def test_a_curve_over_parameters_has_a_point_per_size_the_mean_of_its_runs() -> None:
    data = runs_of(8, 3, np.random.default_rng(1))
    table = shapes_table(data, METRICS, resamples=19, serial=0)
    over = table[table["axis"] == "parameters"]
    assert len(over) == len(STEPS)
    assert set(over["points"]) == {8}
    step = task_points(data[data["step"] == STEPS[3]], "t", "accuracy")
    assert size_means(step)["value"].to_numpy() == pytest.approx(
        data[data["step"] == STEPS[3]].groupby("parameters")["value"].mean()
    )
    assert size_means(step)["parameters"].tolist() == pytest.approx(sorted(set(data["parameters"])))
    points = task_points(data, "t", "accuracy")
    apart = pd.concat([size_means(points[points["step"] == one]) for one in STEPS])
    pd.testing.assert_frame_equal(size_means(points).reset_index(drop=True), apart.reset_index(drop=True))


def test_levels_of_sizes_are_no_shape_over_parameters() -> None:
    """Three runs of each size would triple the points, and what is one size's would look sure."""
    found = []
    for seed in range(12):
        table = shapes_table(runs_of(8, 3, np.random.default_rng(seed)), METRICS, resamples=19, serial=0)
        found += table.loc[(table["axis"] == "parameters") & (table["group"] == "step1000"), "two_lines"].tolist()
    assert sum(shape != "flat" for shape in found) <= 3


def test_shapes_and_breaks_count_the_sizes_that_records_name(tmp_path: Path) -> None:
    """Eight parameter counts, but the study says that they are runs of three sizes."""
    data = grid(lambda p, t: 0.5 + 0.05 * t + 0.01 * np.sin(7 * t))
    write_table(data, tmp_path / "accuracy.tsv", "accuracy")
    sizes = {model: f"size{number % 3}" for number, model in enumerate(data["model"].unique())}
    for name, given in (("all", None), ("three", sizes)):
        write_shapes(tmp_path / "accuracy.tsv", tmp_path / f"s{name}", METRICS, resamples=19, serial=0, sizes=given)
        write_breaks(tmp_path / "accuracy.tsv", tmp_path / f"b{name}", METRICS, resamples=19, serial=0, sizes=given)
    reasons = {}
    for name in ("all", "three"):
        shapes, breaks = read_table(tmp_path / f"s{name}"), read_table(tmp_path / f"b{name}")
        reasons[name] = (
            set(shapes.loc[shapes["axis"] == "compute", "reason"].fillna("")),
            set(breaks.loc[breaks["group"] == "all", "reason"].fillna("")),
        )
    assert reasons["all"] == ({""}, {""})
    assert reasons["three"] == ({"fewer than 4 sizes"}, {"fewer than 4 sizes"})


def test_more_runs_of_the_same_sizes_do_not_tell_more_about_slopes_of_sizes() -> None:
    one = grid(lambda p, t: 0.5 + 0 * t)
    three = pd.concat([one.assign(model=one["model"] + f"-{run}") for run in range(3)])
    smallest = [
        interaction_power_over_models(Design(points, 1e9, 0.5, slope_sd=0.05), 0.05, np.random.default_rng(1)).smallest(
            0.8
        )
        for points in (one, three)
    ]
    assert smallest[1] == pytest.approx(smallest[0], rel=0.02)


def test_slopes_of_sizes_are_told_from_noise_of_runs() -> None:
    rng, found = np.random.default_rng(2), []
    z = np.log10(np.array(STEPS, dtype=float) * TOKENS_PER_STEP)
    z = (z - z.mean()) / z.std()
    for _ in range(60):
        data = runs_of(8, 3, rng)
        own = dict(zip(data["parameters"].unique(), rng.normal(0, 0.05, 8), strict=True))
        slopes = data["parameters"].map(own).to_numpy() * np.tile(z, 24)
        points = task_points(data.assign(value=0.5 + slopes + rng.normal(0, 0.02, len(data))), "t", "accuracy")
        found.append(observed_noise(points)[1])
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(0.05, rel=0.12)

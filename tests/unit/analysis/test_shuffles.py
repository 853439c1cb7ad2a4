"""Permutations of sizes: every arrangement counted by hand, and the error rates of what is in the rule."""

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from support.accuracies import grid
from trajectories.analysis.checks import between_sizes
from trajectories.analysis.lines import run_lines
from trajectories.analysis.points import task_points
from trajectories.analysis.shuffles import size_shuffles, smallest_p
from trajectories.analysis.terms import design_matrix


def t_of(values: np.ndarray, place: np.ndarray, term: int) -> float:
    return abs(float(sm.OLS(values, sm.add_constant(place)).fit().tvalues[term]))


def test_every_arrangement_of_five_sizes_is_counted() -> None:
    rng = np.random.default_rng(5)
    place, level, slope = np.sort(rng.normal(size=5)), rng.normal(size=5), 0.7 + rng.normal(size=5)
    orders = [list(order) for order in itertools.permutations(range(5))]
    fitted = sm.OLS(slope, place).fit()
    turns = [fitted.fittedvalues + fitted.resid * np.array(signs) for signs in itertools.product((1, -1), repeat=5)]
    expected = (
        np.mean([t_of(level[order], place, 1) >= t_of(level, place, 1) - 1e-9 for order in orders]),
        np.mean([t_of(turned, place, 0) >= t_of(slope, place, 0) - 1e-9 for turned in turns]),
        np.mean([t_of(slope[order], place, 1) >= t_of(slope, place, 1) - 1e-9 for order in orders]),
    )
    assert size_shuffles(place, level, slope, np.random.default_rng(0)) == pytest.approx(expected)


def test_no_seed_decides_with_eight_sizes() -> None:
    rng = np.random.default_rng(1)
    place, level, slope = np.arange(8.0) - 3.5, rng.normal(size=8), rng.normal(size=8)
    found = {size_shuffles(place, level, slope, np.random.default_rng(seed)) for seed in range(3)}
    assert len(found) == 1
    assert smallest_p(8) == (1 / 40320, 2 / 256, 1 / 40320)


def test_runs_of_a_size_count_once() -> None:
    """Nine copies of a run say no more than the run."""
    data = grid(lambda p, t: np.sin(7 * p) + 0.1 * np.cos(5 * p) * t, models=5)
    copies = pd.concat([data.assign(model=data["model"] + f"-{run}") for run in range(9)])
    one, nine = (run_lines(task_points(table, "t", "accuracy")) for table in (data, copies))
    assert (one.nested, nine.nested, nine.sizes) == (False, True, 5)
    tests = [between_sizes(*lines.means()) for lines in (one, nine)]
    assert [row["p"] for row in tests[0]] == pytest.approx([row["p"] for row in tests[1]], rel=1e-6)


def test_a_main_effect_of_size_is_no_interaction() -> None:
    """The interaction's p is uniform however much size matters; the paper's t with another effect in its residual was
    found in half of such studies when sizes were dealt out among whole trajectories."""
    rng = np.random.default_rng(3)
    points = task_points(grid(lambda p, t: 0 * t), "t", "accuracy")
    design = design_matrix(points)
    found = []
    for _ in range(200):
        y = 3 * design[:, 1] + 2 * design[:, 2] + rng.normal(size=64) + np.repeat(rng.normal(size=8), 8)
        place, means = run_lines(points.assign(value=y)).means()
        found.append(size_shuffles(place, means[:, 0], means[:, 1], rng))
    rejected = np.mean(np.array(found) <= 0.05, axis=0)
    assert rejected[2] <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert rejected[0] > 0.95
    assert rejected[1] > 0.95

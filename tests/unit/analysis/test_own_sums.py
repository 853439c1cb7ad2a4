"""What is summed here and not asked of scipy.stats or statsmodels is theirs to the last bit."""

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from support.accuracies import grid
from support.loading import loaded_by
from trajectories.analysis.dependence import Noise
from trajectories.analysis.designs import SIZES, SPAN, Design, drop_power
from trajectories.analysis.drops import DropTest
from trajectories.analysis.lines import run_lines
from trajectories.analysis.mixed import MixedFits, fit_mixed
from trajectories.analysis.ols import least_squares
from trajectories.analysis.pairs import median_slope, tau
from trajectories.analysis.points import correct, task_points
from trajectories.analysis.tails import f_tail, normal_tail, t_beyond, t_tail, two_sided


def numbers(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_stages_that_read_scores_wait_for_neither() -> None:
    assert loaded_by("trajectories.analysis.stage", "scipy", "statsmodels", "torch") == []


def test_trends_wait_for_neither() -> None:
    assert loaded_by("trajectories.analysis.trends_stage", "scipy.stats", "statsmodels", "torch") == []


def test_tails() -> None:
    values = np.r_[numbers(1).normal(size=500) * 10.0 ** numbers(2).uniform(-3, 3, 500), 0, np.inf, -np.inf, np.nan]
    for df in (-1, 0, 0.5, 3, 6, 152):
        np.testing.assert_array_equal(t_tail(values, df), stats.t.sf(values, df))
        np.testing.assert_array_equal(two_sided(values, df), 2 * stats.t.sf(np.abs(values), df))
        for share in (0.025, 0.5):
            np.testing.assert_array_equal(t_beyond(share, df), stats.t.isf(share, df))
    np.testing.assert_array_equal(normal_tail(values), stats.norm.sf(values))
    np.testing.assert_array_equal(f_tail(np.abs(values), 2, 60), stats.f.sf(np.abs(values), 2, 60))


@pytest.mark.parametrize("ties", [False, True])
def test_tau_and_median_slope(ties: bool) -> None:
    for n in (2, 3, 8, 154):
        y, x = numbers(n).normal(size=n).cumsum(), np.sort(numbers(n).random(n))
        y = np.round(y) + np.arange(n) % 2 if ties else y
        assert tau(y) == stats.kendalltau(np.arange(n), y).statistic
        assert median_slope(x, y) == stats.theilslopes(y, x)[0]
    assert tau(np.ones(5)) == 0
    assert np.isnan(tau(np.ones(1)))
    assert np.isnan(median_slope(np.ones(1), np.ones(1)))


@pytest.mark.parametrize("places", [2, 16])
def test_corrected_p(places: int) -> None:
    p = pd.Series(np.round(numbers(3).random(200) ** 4, places), index=np.arange(200) + 7)
    np.testing.assert_array_equal(correct(p), stats.false_discovery_control(p, method="bh"))
    some = p.where(p.index % 3 > 0)
    np.testing.assert_array_equal(correct(some).dropna(), stats.false_discovery_control(some.dropna(), method="bh"))
    assert correct(some).isna().equals(some.isna())
    assert correct(pd.Series([None, None], dtype=object)).isna().all()
    assert correct(pd.Series([], dtype=float)).empty


@pytest.mark.parametrize("columns", [[0, 1, 2], [0, 1, 1]], ids=["full rank", "a column twice"])
def test_least_squares(columns: list[int]) -> None:
    design = np.column_stack([np.ones(40), numbers(4).normal(size=(40, 2))])[:, columns]
    y = numbers(5).normal(size=40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a column twice is meant
        own, theirs = least_squares(y, design), sm.OLS(y, design).fit()
    np.testing.assert_array_equal(own.coefficients, theirs.params)
    np.testing.assert_array_equal(own.stderr, theirs.bse)
    assert (own.ssr, own.df, own.variance) == (theirs.ssr, theirs.df_resid, theirs.mse_resid)


def test_the_mixed_model_of_the_same_lines_is_fitted_once() -> None:
    noise = numbers(6).normal(size=64)
    lines = [run_lines(task_points(grid(lambda p, t: noise), "t", "accuracy")) for _ in range(2)]
    other = run_lines(task_points(grid(lambda p, t: noise + 0.1 * t), "t", "accuracy"))
    fits = MixedFits()
    first = fits.of(lines[0])
    assert fits.of(lines[1]) is first
    assert fits.of(other) is not first
    np.testing.assert_array_equal(first.coefficients, fit_mixed(lines[0]).coefficients)


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_the_power_of_a_drop_is_how_often_its_test_rejects(rho: float) -> None:
    design = Design(grid(lambda p, t: 0 * t), questions=300, base=0.4, sd=0.02, serial=Noise(rho))
    rng = numbers(7)
    x, samples = design.course, design.flat(rng)
    test, fall = DropTest(x, design.points, rng), np.maximum(0, 2 * (x - x[0]) / np.ptp(x) - 1)
    sizes = np.linspace(0, SPAN * np.sqrt(2) * design.noise, SIZES)
    stderr = np.full_like(samples, design.stderr)
    power = [np.mean(test(samples - size * fall, stderr).p <= 0.05) for size in sizes]
    np.testing.assert_array_equal(drop_power(design, 0.05, numbers(7)).power, np.maximum.accumulate(power))

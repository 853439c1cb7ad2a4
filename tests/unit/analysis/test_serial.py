"""The dependence of checkpoints' noise: likelihoods against a plain multivariate normal, levels against the truth."""

import numpy as np
import pytest

from trajectories.analysis.serial import LEVELS, assumed_correlations, log_likelihoods, serial_noise, whiten

EIGHT = np.log10([2000, 4000, 8000, 16000, 32000, 64000, 128000, 143000])
EVEN = np.log10(np.arange(1000, 144000, 1000))


def test_whitened_noise_is_white_and_blocks_start_afresh() -> None:
    noise = serial_noise((20000, 6), 0.7, np.random.default_rng(1))
    expected = 0.7 ** np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    assert np.cov(noise.T) == pytest.approx(expected, abs=0.04)
    assert np.cov(whiten(noise, 0.7).T) == pytest.approx(np.eye(6), abs=0.04)
    starts = np.array([True, False, False, True, False, False])
    both = whiten(noise, 0.7, starts)
    assert both[:, :3] == pytest.approx(whiten(noise[:, :3], 0.7))
    assert both[:, 3:] == pytest.approx(whiten(noise[:, 3:], 0.7))


def test_restricted_likelihood_is_that_of_the_contrasts() -> None:
    """The likelihood of any basis of contrasts that the parabola does not reach, its scale at its maximum."""
    rng = np.random.default_rng(2)
    y, x = rng.normal(size=8), np.arange(8.0)
    design = np.column_stack([np.ones(8), x, x**2])
    contrasts = np.linalg.svd(design)[0][:, 3:]
    expected = []
    for rho in LEVELS:
        covariance = contrasts.T @ rho ** np.abs(np.subtract.outer(x, x)) @ contrasts
        spread = (contrasts.T @ y) @ np.linalg.solve(covariance, contrasts.T @ y)
        expected.append(-0.5 * np.linalg.slogdet(covariance)[1] - 2.5 * np.log(spread))
    assert log_likelihoods(x, y[None, :])[0] == pytest.approx(np.array(expected) - max(expected))


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_many_trajectories_share_their_correlation(rho: float) -> None:
    rng = np.random.default_rng(3)
    for x, count, slack in ((EIGHT, 1000, 0.15), (EVEN, 50, 0.1)):
        noise = serial_noise((count, len(x)), rho, rng)
        levels = assumed_correlations([(x, y + rng.normal() + rng.normal() * x) for y in noise])
        assert rho - 0.1 <= np.median(levels) <= rho + slack


def test_trajectories_that_differ_keep_their_own() -> None:
    rng = np.random.default_rng(4)
    values = np.vstack([serial_noise((40, 143), rho, rng) for rho in (0.0, 0.8)])
    levels = assumed_correlations([(EVEN, y) for y in values])
    assert np.median(levels[:40]) <= 0.15
    assert 0.75 <= np.median(levels[40:]) <= 0.9


def test_a_short_trajectory_alone_is_taken_for_strongly_dependent() -> None:
    rng = np.random.default_rng(5)
    levels = [assumed_correlations([(EIGHT, y)])[0] for y in serial_noise((30, 8), 0.0, rng)]
    assert min(levels) >= 0.6
    assert np.median(levels) >= 0.75


def test_what_is_given_is_taken_and_what_says_nothing_changes_nothing() -> None:
    rng = np.random.default_rng(6)
    curves = [(EVEN, y) for y in serial_noise((20, 143), 0.5, rng)]
    assert assumed_correlations(curves, 0.3).tolist() == [0.3] * 20
    plain = assumed_correlations(curves)
    dull = [(EVEN, np.full(143, 0.4)), (EVEN, 2 + 0.1 * EVEN), (EIGHT[:3], np.arange(3.0))]
    assert assumed_correlations(curves + dull)[:20].tolist() == plain.tolist()
    assert assumed_correlations([], "auto").tolist() == []

"""The dependence of checkpoints' noise: likelihoods against a plain multivariate normal, levels against the truth."""

from dataclasses import replace

import numpy as np
import pytest

from trajectories.analysis.dependence import WHITE, Dependence, Noise, independent
from trajectories.analysis.serial import KINDS, LEVELS, assumed_noise, log_likelihoods

EIGHT = np.log10([2000, 4000, 8000, 16000, 32000, 64000, 128000, 143000])
EVEN = np.log10(np.arange(1000, 144000, 1000))


def covariance(noise: Noise, x: np.ndarray) -> np.ndarray:
    """The definition: rho to the number of lags, but for what is white."""
    lag = (x - x[0]) / np.median(np.diff(x)) if noise.by_tokens else np.arange(len(x))
    alike = (1 - noise.white) * noise.rho ** np.abs(np.subtract.outer(lag, lag))
    return np.asarray(alike + np.diag(1 - np.diag(alike)))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_noise_is_what_its_kind_says_and_is_white_when_whitened(kind: Noise) -> None:
    noise = replace(kind, rho=0.7)
    points = noise.over(EIGHT)
    drawn = points.draw(20000, np.random.default_rng(1))
    assert np.cov(drawn.T) == pytest.approx(covariance(noise, EIGHT), abs=0.04)
    assert np.cov(points.whiten(drawn).T) == pytest.approx(np.eye(8), abs=0.04)
    if not kind.by_tokens:
        assert np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1] == pytest.approx(noise.neighbours, abs=0.02)


def test_runs_are_independent_of_each_other() -> None:
    values = np.random.default_rng(2).normal(size=(3, 6))
    one, both = (
        Noise(0.7).over(np.arange(3.0)),
        Dependence(Noise(0.7), np.tile(np.arange(3.0), 2), np.repeat([0, 1], 3)),
    )
    assert both.whiten(values) == pytest.approx(np.hstack([one.whiten(values[:, :3]), one.whiten(values[:, 3:])]))
    assert independent(6).whiten(values) is values


def test_restricted_likelihood_is_that_of_the_contrasts() -> None:
    """The likelihood of any basis of contrasts that the parabola does not reach, its scale at its maximum."""
    y, x = np.random.default_rng(2).normal(size=8), EIGHT
    contrasts = np.linalg.svd(np.column_stack([np.ones(8), x, x**2]))[0][:, 3:]
    expected = np.empty((len(KINDS), len(LEVELS)))
    for i, kind in enumerate(KINDS):
        for j, rho in enumerate(LEVELS.tolist()):
            left = contrasts.T @ covariance(replace(kind, rho=rho), x) @ contrasts
            spread = (contrasts.T @ y) @ np.linalg.solve(left, contrasts.T @ y)
            expected[i, j] = -0.5 * np.linalg.slogdet(left)[1] - 2.5 * np.log(spread)
    assert log_likelihoods(x, y[None, :])[:, 0] == pytest.approx(expected - expected.max())


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_many_trajectories_share_their_correlation(rho: float) -> None:
    rng = np.random.default_rng(3)
    for x, count, slack in ((EIGHT, 1000, 0.15), (EVEN, 50, 0.1)):
        drawn = Noise(rho).over(x).draw(count, rng)
        found = assumed_noise([(x, y + rng.normal() + rng.normal() * x) for y in drawn])
        assert rho - 0.1 <= np.median([noise.neighbours for noise in found]) <= rho + slack


@pytest.mark.parametrize("kind", [KINDS[0], KINDS[1], KINDS[3]], ids=str)
def test_the_kind_of_noise_is_found_where_trajectories_are_many(kind: Noise) -> None:
    drawn = replace(kind, rho=0.8).over(EVEN).draw(60, np.random.default_rng(7))
    found = assumed_noise([(EVEN, y) for y in drawn])
    assert {(noise.by_tokens, noise.white) for noise in found} == {(kind.by_tokens, kind.white)}


def test_trajectories_that_differ_keep_their_own() -> None:
    rng = np.random.default_rng(4)
    values = np.vstack([Noise(rho).over(EVEN).draw(40, rng) for rho in (0.0, 0.8)])
    levels = [noise.neighbours for noise in assumed_noise([(EVEN, y) for y in values])]
    assert np.median(levels[:40]) <= 0.15
    assert 0.75 <= np.median(levels[40:]) <= 0.9


def test_a_short_trajectory_alone_is_taken_for_strongly_dependent() -> None:
    values = WHITE.over(EIGHT).draw(30, np.random.default_rng(5))
    levels = [assumed_noise([(EIGHT, y)])[0].neighbours for y in values]
    assert min(levels) >= 0.6
    assert np.median(levels) >= 0.75


def test_what_is_given_is_taken_and_what_says_nothing_changes_nothing() -> None:
    curves = [(EVEN, y) for y in Noise(0.5).over(EVEN).draw(20, np.random.default_rng(6))]
    assert assumed_noise(curves, 0.3) == [Noise(0.3)] * 20
    dull = [(EVEN, np.full(143, 0.4)), (EVEN, 2 + 0.1 * EVEN), (EIGHT[:3], np.arange(3.0))]
    assert assumed_noise(curves + dull)[:20] == assumed_noise(curves)
    assert assumed_noise([], "auto") == []

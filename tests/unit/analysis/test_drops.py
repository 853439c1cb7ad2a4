"""The drop from best to last: no false alarms whatever the noise is made of, real falls found, both errors."""

import numpy as np
import pytest

from trajectories.analysis.dependence import WHITE, Noise
from trajectories.analysis.drops import DropTest, variance

EIGHT = np.log10([2000, 4000, 8000, 16000, 32000, 64000, 128000, 143000])
RUNS = 1500


def noisy(rho: float, share: float, rng: np.random.Generator, x: np.ndarray = EIGHT) -> tuple[np.ndarray, np.ndarray]:
    """Return flat trajectories of variance 1, `share` of it of questions, and the questions' standard errors."""
    checkpoints = np.sqrt(1 - share) * Noise(rho).over(x).draw(RUNS, rng)
    questions = np.sqrt(share) * rng.standard_normal((RUNS, len(x)))
    return checkpoints + questions, np.full((RUNS, len(x)), np.sqrt(share))


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_no_drop_is_claimed_of_flat_trajectories(rho: float, share: float) -> None:
    rng = np.random.default_rng(1)
    values, stderr = noisy(rho, share, rng)
    found = DropTest(EIGHT, Noise(round(rho * (1 - share), 2)).over(EIGHT), rng)(values, stderr)
    assert np.mean(found.p < 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / RUNS)
    if share < 1 and rho < 0.8:
        assert np.mean(found.p_questions < 0.05) > 0.10


def test_a_fall_is_found_under_both_kinds_of_noise() -> None:
    rng = np.random.default_rng(2)
    fall = 6 * np.maximum(0, (EIGHT - EIGHT[3]) / (EIGHT[-1] - EIGHT[3]))
    for share in (1.0, 0.2):
        values, stderr = noisy(0.0, share, rng)
        assert np.mean(DropTest(EIGHT, WHITE.over(EIGHT), rng)(values - fall, stderr).p < 0.05) > 0.9


def test_checkpoints_part_is_the_noise_beyond_questions() -> None:
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((RUNS, 60)) + 0.5 * rng.standard_normal((RUNS, 60))
    x = np.linspace(0, 2, 60)
    found = DropTest(x, WHITE.over(x), rng)(noise, np.full_like(noise, 0.5))
    assert np.median(found.checkpoints) == pytest.approx(1.0, rel=0.05)
    for kind in (Noise(0.6), Noise(0.8, by_tokens=True), Noise(0.8, white=0.5)):
        assert variance(EIGHT, kind.over(EIGHT).draw(9000, rng), kind.over(EIGHT)).mean() == pytest.approx(1, rel=0.05)


def test_by_hand() -> None:
    test = DropTest(np.arange(6.0), WHITE.over(np.arange(6.0)), np.random.default_rng(4))
    values, stderr = np.array([[0.5, 0.6, 0.7, 0.6, 0.5, 0.4]]), np.full((1, 6), 0.01)
    found = test(values, stderr)
    rough = 0.1 / np.sqrt(1.5)  # at the peak only, one of four points between two others
    assert (found.best[0], found.drop[0]) == (2, pytest.approx(0.3))
    assert found.questions[0] == pytest.approx(0.01 * np.sqrt(2))
    assert found.checkpoints[0] == pytest.approx(np.sqrt(rough**2 / 4 - 0.01**2))
    assert found.stderr[0] == pytest.approx(rough / 2 * np.sqrt(2))
    assert found.p_questions[0] < 1e-9
    assert 1e-4 < found.p[0] < 0.05


def test_no_drop_and_no_errors() -> None:
    test = DropTest(EIGHT, WHITE.over(EIGHT), np.random.default_rng(5))
    rising = test(EIGHT[None, :], np.full((1, 8), 0.1))
    assert (rising.drop[0], rising.stderr[0], rising.p[0], rising.p_questions[0]) == (0.0, 0.0, 1.0, 1.0)
    assert np.isnan(test(-EIGHT[None, :], np.full((1, 8), np.nan)).p[0])
    assert test(-EIGHT[None, :], np.zeros((1, 8))).p[0] == pytest.approx(1 / 5000)

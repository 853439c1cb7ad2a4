"""Wild cluster samples that are never written out give the numbers of those that are."""

import numpy as np
import pytest

from trajectories.analysis.clustered import wild_samples
from trajectories.analysis.model_choice import ModelChoice
from trajectories.analysis.projections import projected, wild_projected


def test_wild_numbers_are_those_of_written_out_samples() -> None:
    rng = np.random.default_rng(1)
    fitted, residual, columns = rng.normal(size=40), rng.normal(size=40), rng.normal(size=(40, 7))
    member = np.eye(5)[np.arange(40) % 5]
    short = wild_projected(fitted, residual, member, columns, 50, np.random.default_rng(2))
    long = projected(wild_samples(fitted, residual, member, 50, np.random.default_rng(2)), columns)
    assert short.total == pytest.approx(long.total)
    assert short.products == pytest.approx(long.products)


def test_model_choice_of_numbers_is_that_of_samples() -> None:
    x = np.linspace(0, 2, 30)
    models, samples = ModelChoice(x), np.random.default_rng(3).normal(size=(20, 30)) + 5
    centred = samples - samples.mean(axis=1, keepdims=True)
    from_numbers, direct = models.judged(projected(centred, models.columns)), models(samples)
    assert from_numbers.aicc == pytest.approx(direct.aicc)
    assert from_numbers.turn == pytest.approx(direct.turn)

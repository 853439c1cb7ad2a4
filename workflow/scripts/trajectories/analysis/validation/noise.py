"""What is simulated: the steps, and the kinds of noise that checkpoints may have."""

from collections.abc import Callable, Mapping

import numpy as np

from trajectories.analysis.dependence import Noise

STEPS: Mapping[str, np.ndarray] = {
    "8": np.log10([2000, 4000, 8000, 16000, 32000, 64000, 128000, 143000]),
    "26": np.log10([*(2**power for power in range(10)), 1000, 3000, *range(13000, 144000, 10000)]),
    "143": np.log10(np.arange(1000, 144000, 1000)),
}
"""Log10 steps of one trajectory: the paper's, those of Pythia's own evaluations, every thousand."""

Maker = Callable[[int, np.ndarray, np.random.Generator], np.ndarray]
"""Trajectories, log10 steps (n) and random numbers → noise of variance 1 (trajectories x n)."""


def neighbours(rho: float) -> Maker:
    """Return noise whose neighbouring checkpoints correlate by `rho`, whatever their distance."""
    return lambda count, x, rng: Noise(rho).over(x).draw(count, rng)


def by_distance(count: int, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return noise that correlates by 0.8 at the median distance in log steps, less where the distance is more."""
    return Noise(0.8, by_tokens=True).over(x).draw(count, rng)


def partly_white(count: int, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return noise of which half the variance is white and half correlates by 0.8."""
    return Noise(0.8, white=0.5).over(x).draw(count, rng)


def unlike(count: int, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return trajectories of which every other is white, the others' neighbours correlate by 0.8."""
    noise = Noise(0.8).over(x).draw(count, rng)
    noise[::2] = rng.standard_normal((len(noise[::2]), len(x)))
    return noise


NULLS: Mapping[str, Maker] = {
    "white": neighbours(0.0),
    "0.5": neighbours(0.5),
    "0.8": neighbours(0.8),
    "0.8 by distance": by_distance,
    "half white, half 0.8": partly_white,
    "white and 0.8 in turn": unlike,
}

"""Simulated trajectories as score vectors: smooth paths, plateaus and standstills, with noise of several kinds."""

from typing import Any

import numpy as np

Values = np.ndarray[Any, np.dtype[np.float64]]
CHOICES = 400


def simulated_path(random: np.random.Generator, count: int, kind: str = "path", noise: float = 0.1) -> Values:
    """Return `count` checkpoints x `CHOICES` log-likelihoods.

    A few directions are each learnt around a time of their own; `plateau` stops somewhere in the middle third, `flat`
    is noise alone. `noise` is in gaps of the path; up to half of its variance is common to many choices.
    """
    time = np.linspace(0, 1, count)[:, None]
    dimensions = int(random.integers(2, 12))
    centre, width = random.uniform(-0.2, 1, dimensions), random.uniform(0.1, 0.4, dimensions)
    learnt = random.standard_normal(dimensions) / (1 + np.exp(-4 * (time - centre) / width))
    if kind == "plateau":
        stop = int(random.integers(count // 3, 2 * count // 3 + 1))
        learnt[stop:] = learnt[stop]
    values = learnt @ random.standard_normal((dimensions, CHOICES)) * (kind != "flat")
    gaps = np.sqrt((np.diff(values, axis=0) ** 2).mean(axis=1))
    gap = float(np.median(gaps) or gaps.max() / 3 or 1.0)
    few, share = int(random.choice([1, 2, 5, 50])), float(random.choice([0, 0.25, 0.5]))
    common = random.standard_normal((count, few)) @ random.standard_normal((few, CHOICES)) / np.sqrt(few)
    own = random.standard_normal((count, CHOICES))
    return np.asarray(values + noise * gap / np.sqrt(2) * (np.sqrt(share) * common + np.sqrt(1 - share) * own))


def distances_of(values: Values) -> Values:
    """Return root-mean-square distances between rows, the plain way."""
    return np.array([[np.sqrt(((a - b) ** 2).mean()) for b in values] for a in values])

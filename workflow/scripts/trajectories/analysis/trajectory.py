"""Trajectories as arrays: one model's metric on one task over its checkpoints."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from trajectories.analysis.dependence import Noise
from trajectories.analysis.points import Metrics, task_rows
from trajectories.analysis.serial import Curve, assumed_noise


@dataclass(frozen=True)
class Trajectory:
    """One model on one task: n checkpoints, ascending; step 0 may be the first."""

    model: str
    parameters: float
    task: str
    metric: str
    step: np.ndarray
    tokens: np.ndarray
    value: np.ndarray
    stderr: np.ndarray

    @cached_property
    def curve(self) -> Curve:
        """Return log10 tokens and values without step 0, which has no place on a log axis."""
        seen = self.tokens > 0
        return np.log10(self.tokens[seen]), self.value[seen]


def on_log_axis(tokens: np.ndarray) -> np.ndarray:
    """Return log10 tokens (n, ascending); step 0 lies one gap before the first other step."""
    later = np.log10(tokens[tokens > 0])
    gap = later[1] - later[0] if len(later) > 1 else 1.0
    return np.asarray(later if len(later) == len(tokens) else np.r_[later[:1] - gap, later])


def trajectories(accuracy: pd.DataFrame, metrics: Metrics) -> list[Trajectory]:
    """Return every trajectory, task by task in the order of `metrics`, the smallest model first."""
    return [found for task, metric in metrics.items() for found in _of_task(accuracy, task, metric)]


def _of_task(accuracy: pd.DataFrame, task: str, metric: str) -> Iterator[Trajectory]:
    rows = task_rows(accuracy, task, metric)
    if rows.empty:
        return
    model = rows["model"].to_numpy(object)
    numbers = rows[["parameters", "step", "tokens", "value", "stderr"]].to_numpy(float)
    starts = np.flatnonzero(np.r_[True, model[1:] != model[:-1]])
    for start, block in zip(starts, np.split(numbers, starts[1:]), strict=True):
        parameters, step, tokens, value, stderr = block.T
        name = str(model[start])
        yield Trajectory(name, parameters[0], task, metric, step.astype(int), tokens, value, stderr)


NoiseByName = Mapping[tuple[str, str], Noise]
"""(task, model) → the noise under which that trajectory is to be tested."""

Serial = float | str | NoiseByName
"""How alike neighbours' noise is: a correlation, `auto` to estimate it, or the noise that was estimated before."""


def noise_of(found: list[Trajectory], serial: Serial) -> list[Noise]:
    """Return the noise under which each trajectory is to be tested."""
    if isinstance(serial, Mapping):
        return [serial[one.task, one.model] for one in found]
    return assumed_noise([trajectory.curve for trajectory in found], serial)


def noise_by_name(accuracy: pd.DataFrame, metrics: Metrics, serial: Serial) -> NoiseByName:
    """Return the same by (task, model)."""
    if isinstance(serial, Mapping):
        return serial
    found = trajectories(accuracy, metrics)
    return {(one.task, one.model): noise for one, noise in zip(found, noise_of(found, serial), strict=True)}

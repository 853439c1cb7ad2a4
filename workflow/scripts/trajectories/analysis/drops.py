"""Is the last checkpoint worse than the best one by more than noise? For many trajectories over the same steps at once.

The error of a drop has two parts. Other questions would give other accuracies (`stderr` of each checkpoint), and
another checkpoint nearby would too, beyond its questions. The second part is read off the trajectory itself: its
roughness, how far points lie from the line through their two neighbours (Gasser, Sroka & Jennen-Steinmetz 1986,
Biometrika 73), which neither a trend nor a peak disturbs much; what questions explain of it is taken off. The best
checkpoint was picked after the fact and the roughness is an estimate, so p-values come from simulated trajectories
that never change: same steps, noise of the assumed correlation, picked and estimated in the same way.
"""

from dataclasses import dataclass

import numpy as np

from trajectories.analysis.dependence import Dependence
from trajectories.analysis.tails import normal_tail

FEWEST = 4
"""Points for a roughness."""
DRAWS = 4999
QUARTERS = (0.0, 0.25, 0.5, 0.75)
"""Shares of the noise that questions may be sure to have."""


@dataclass(frozen=True)
class Drops:
    """For m trajectories: the place of the best, the drop, both parts of its error, and p-values, each of m.

    `questions` is the standard error of the drop from questions alone, `p_questions` its p with the picking allowed
    for; `checkpoints` the standard deviation of one checkpoint beyond its questions; `stderr` and `p` have both parts.
    """

    best: np.ndarray
    drop: np.ndarray
    questions: np.ndarray
    checkpoints: np.ndarray
    stderr: np.ndarray
    p: np.ndarray
    p_questions: np.ndarray


class DropTest:
    """The test prepared for one x (n, ascending) and the dependence of its points."""

    def __init__(self, x: np.ndarray, dependence: Dependence, rng: np.random.Generator) -> None:
        self.x, self.dependence = np.asarray(x, dtype=float), dependence
        noise = dependence.draw(DRAWS, rng)
        drop, rough = noise.max(axis=1) - noise[:, -1], variance(self.x, noise, dependence)
        self._null = {least: np.sort(drop / np.sqrt(np.maximum(least, rough))) for least in QUARTERS}

    def __call__(self, values: np.ndarray, stderr: np.ndarray) -> Drops:
        """Test each row of `values` (m x n, more is better); a missing standard error leaves its p missing."""
        rows, last = np.arange(len(values)), values.shape[1] - 1
        best = values.argmax(axis=1)
        drop = values[rows, best] - values[:, last]
        error = np.square(stderr)
        questions = (error[rows, best] + error[:, last]) / 2
        noise = np.maximum(variance(self.x, values, self.dependence), np.mean(error, axis=1))
        beyond = noise - np.mean(error, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            alone = last * normal_tail(drop / np.sqrt(2 * questions))
        same = drop <= 0
        return Drops(
            best=best,
            drop=drop,
            questions=np.where(same, 0.0, np.sqrt(2 * questions)),
            checkpoints=np.sqrt(beyond),
            stderr=np.where(same, 0.0, np.sqrt(2 * (questions + beyond))),
            p=self.p(drop, questions, beyond),
            p_questions=np.where(same, 1.0, np.minimum(1.0, alone)),
        )

    def p(self, drop: np.ndarray, questions: np.ndarray, beyond: np.ndarray) -> np.ndarray:
        """Return the p-values of drops (of any shape) with these variances of a checkpoint, by questions and beyond.

        Questions are trusted with a quarter less of the noise than seems theirs.
        """
        both = questions + beyond
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = drop / np.sqrt(both)
        sure = np.clip(np.floor(4 * (questions / np.maximum(both, 1e-300))) - 1, 0, 3) / 4
        p = np.full(statistic.shape, np.nan)
        for least in QUARTERS:
            rows = (sure == least) & ~np.isnan(statistic)
            reached = DRAWS - np.searchsorted(self._null[least], statistic[rows] * (1 - 1e-9))
            p[rows] = (1 + reached) / (1 + DRAWS)
        return np.where(drop <= 0, 1.0, p)


def variance(x: np.ndarray, samples: np.ndarray, dependence: Dependence) -> np.ndarray:
    """Return the variance of a checkpoint by the roughness of each row (m x n), unbiased if the dependence is right."""
    before = (x[2:] - x[1:-1]) / (x[2:] - x[:-2])
    after = 1 - before
    weight = 1 + before**2 + after**2
    next_one, one_after = (dependence.alike(dependence.lags[d:] - dependence.lags[:-d]) for d in (1, 2))
    lost = 2 * (before * next_one[:-1] + after * next_one[1:] - before * after * one_after)
    rough = before * samples[:, :-2] + after * samples[:, 2:] - samples[:, 1:-1]
    return np.asarray((np.square(rough) / weight).mean(axis=1) / np.mean((weight - lost) / weight))

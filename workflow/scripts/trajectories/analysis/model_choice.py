"""Which curve describes a trajectory: constant, line, bend or parabola, by AICc, for many curves over one x at once.

AICc: Hurvich & Tsai (1989), Biometrika 76. A smallest AICc is no test, so two null distributions are simulated: a
constant gives way only to a gain that noise about a constant seldom reaches, and a parabola with its turn inside the
data only wins over the others where noise about the best curve that never turns back seldom gives such a gain (the
parametric bootstrap of Cox's test of separate hypotheses; Williams 1970, Biometrics 26). That curve is the isotonic
regression, rising or falling (Barlow et al. 1972): a parabola takes every plateau for a turn, and any narrower family
of monotone curves leaves some plateaus out. The bend, an exponential approach to a plateau, is among the candidates
for the same reason. Where the noise of neighbouring points correlates, curves and data are whitened first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from trajectories.analysis.dependence import Dependence, independent
from trajectories.analysis.projections import Projected, projected

CONSTANT, LINEAR, BEND, QUADRATIC = range(4)
NAMES = ("constant", "linear", "bend", "quadratic")
_PARAMETERS = np.array([2, 3, 4, 4])
"""Of each model, the variance included."""
_RATES = np.geomspace(0.5, 32, 10)


@dataclass(frozen=True)
class Choice:
    """For B curves: AICc of the four models (B x 4, infinite for a parabola that turns outside) and the turn (B)."""

    aicc: np.ndarray
    turn: np.ndarray

    def rows(self) -> Iterator["Choice"]:
        """Yield the choice of each curve by itself."""
        for place in range(len(self.turn)):
            yield Choice(self.aicc[place : place + 1], self.turn[place : place + 1])

    @property
    def gain_over_constant(self) -> np.ndarray:
        """How far the best model's AICc is below the constant's (0 where the constant is best)."""
        return np.asarray(self.aicc[:, CONSTANT] - self.aicc.min(axis=1))

    @property
    def gain_of_turn(self) -> np.ndarray:
        """How far the parabola's AICc is below the best other model's (negative where it is above)."""
        return np.asarray(self.aicc[:, :QUADRATIC].min(axis=1) - self.aicc[:, QUADRATIC])


class ModelChoice:
    """The comparison prepared for one x (n) and dependence. At least 6 points, 3 of them different, are needed.

    `columns` (n x C) is all it needs of samples: orthonormal bases of every curve, and the parabola's coefficients.
    """

    def __init__(self, x: np.ndarray, dependence: Dependence | None = None) -> None:
        self.x = np.asarray(x, dtype=float)
        self.dependence = independent(len(self.x)) if dependence is None else dependence
        self.u = (self.x - self.x.min()) / np.ptp(self.x)
        one = np.ones_like(self.u)
        bends = [np.column_stack([one, np.exp(sign * rate * self.u)]) for rate in _RATES for sign in (-1, 1)]
        parabola = np.column_stack([one, self.u, self.u**2])
        designs = [[one[:, None]], [np.column_stack([one, self.u])], bends, [parabola]]
        white = [[self._white(design) for design in group] for group in designs]
        bases = [[np.linalg.qr(design)[0] for design in group] for group in white]
        self._straight = {
            model: (designs[model][0], np.linalg.pinv(white[model][0])) for model in (CONSTANT, LINEAR, QUADRATIC)
        }
        parabola_of = self._straight[QUADRATIC][1]
        self.columns = np.hstack([*(basis for group in bases for basis in group), parabola_of.T])
        self._widths = [(len(group), group[0].shape[1]) for group in bases]

    def __call__(self, samples: np.ndarray) -> Choice:
        """Compare the models on each row of `samples` (B x n)."""
        centred = samples - samples.mean(axis=1, keepdims=True)
        return self.judged(projected(self.dependence.whiten(centred), self.columns))

    def _white(self, design: np.ndarray) -> np.ndarray:
        return self.dependence.whiten(design.T).T

    def judged(self, samples: Projected) -> Choice:
        """Compare the models on samples of which only the products with `columns` are known."""
        n = len(self.x)
        rss = np.stack([rest.min(axis=1) for rest in self._rests(samples)], axis=1)
        penalty = 2 * _PARAMETERS + 2 * _PARAMETERS * (_PARAMETERS + 1) / (n - _PARAMETERS - 1)
        aicc = n * np.log(np.maximum(rss, 1e-300) / n) + penalty
        _, slope, bowl = samples.products[:, -3:].T
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = -slope / (2 * bowl)
        aicc[:, QUADRATIC] = np.where((turn > 0) & (turn < 1), aicc[:, QUADRATIC], np.inf)
        return Choice(aicc, self.x.min() + turn * np.ptp(self.x))

    def _rests(self, samples: Projected) -> list[np.ndarray]:
        """Return the residual sums of squares of every model (each B x its number of bases)."""
        rests, start = [], 0
        for count, width in self._widths:
            part = np.square(samples.products[:, start : start + count * width])
            explained = part.reshape(len(part), count, width).sum(axis=2)
            rests.append(np.maximum(samples.total[:, None] - explained, 0.0))
            start += count * width
        return rests

    def fitted(self, sample: np.ndarray, model: int) -> np.ndarray:
        """Return the least-squares fit of one model, which is not the bend, to one curve (n)."""
        (design, solver), level = self._straight[model], sample.mean()
        return np.asarray(level + design @ (solver @ self.dependence.whiten(sample - level)))

    def bowl(self, sample: np.ndarray) -> float:
        """Return the quadratic coefficient of one curve: above 0 for a U."""
        return float(self.dependence.whiten(sample - sample.mean()) @ self.columns[:, -1])

    def monotone(self, sample: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the isotonic fit of one curve, rising or falling, whichever is closer, and its number of levels.

        Points of equal x get one value.
        """
        _, where = np.unique(self.x, return_inverse=True)
        weights = np.bincount(where)
        means = np.bincount(where, sample) / weights
        fits = [isotonic_regression(means, weights=weights, increasing=rising).x for rising in (True, False)]
        fit = min(fits, key=lambda level: float(np.square(means - level) @ weights))
        return np.asarray(fit[where]), len(np.unique(fit))

    def degrees(self, model: int) -> int:
        """Return the residual degrees of freedom of a model."""
        return int(len(self.x) - _PARAMETERS[model] + 1)

"""The power of the tests on one design: exact for t tests, else simulated with the very tests of `trends`."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from trajectories.analysis.dependence import WHITE, Dependence, Noise, slopes
from trajectories.analysis.drops import DropTest, variance
from trajectories.analysis.points import with_size
from trajectories.analysis.tails import t_beyond
from trajectories.analysis.terms import design_matrix

SIMULATIONS = 2000
SIZES = 31
"""Effect sizes tried, from 0 to `SPAN` standard errors of the estimate."""
SPAN = 8.0


@dataclass(frozen=True)
class Design:
    """A task's checkpoints (columns model, parameters, step, tokens), questions, accuracy and the noise beyond these.

    `sd` is that of checkpoints beyond the questions' own, `slope_sd` that of sizes' token slopes (per sd of log10
    tokens), `serial` is the noise that tests on one trajectory assume, and that `sd` has.
    """

    checkpoints: pd.DataFrame
    questions: float
    base: float
    sd: float = 0.0
    slope_sd: float = 0.0
    serial: Noise = WHITE

    @property
    def noise(self) -> float:
        """Standard deviation of one measured accuracy."""
        return float(np.hypot(self.stderr, self.sd))

    @property
    def steps(self) -> int:
        """Steps of the model that has most."""
        return len(self.course)

    @cached_property
    def course(self) -> np.ndarray:
        """Return the log10 tokens of the model that has most steps."""
        longest = self.checkpoints.groupby("model")["step"].nunique().idxmax()
        tokens = self.checkpoints.loc[self.checkpoints["model"] == longest, "tokens"].to_numpy(float)
        return np.asarray(np.log10(np.unique(tokens)))

    @cached_property
    def points(self) -> Dependence:
        """Return the dependence of that model's checkpoints."""
        return self.serial.over(self.course)

    def flat(self, rng: np.random.Generator) -> np.ndarray:
        """Return simulated trajectories that never change (SIMULATIONS x steps), around 0."""
        shape = SIMULATIONS, self.steps
        return np.asarray(self.stderr * rng.standard_normal(shape) + self.sd * self.points.draw(SIMULATIONS, rng))

    @property
    def stderr(self) -> float:
        """Standard error of one accuracy over its questions."""
        return float(np.sqrt(self.base * (1 - self.base) / self.questions))


@dataclass(frozen=True)
class Curve:
    """Power at every effect size; `smallest` is where it first reaches the target, missing if it never does."""

    size: np.ndarray
    power: np.ndarray

    def smallest(self, target: float) -> float:
        """Return the effect size, interpolated, whose power is `target`."""
        reached = np.flatnonzero(self.power >= target)
        if not len(reached) or reached[0] == 0:
            return float("nan") if not len(reached) else 0.0
        pair = slice(reached[0] - 1, reached[0] + 1)
        return float(np.interp(target, self.power[pair], self.size[pair]))


def interaction_power(design: Design, alpha: float, rng: np.random.Generator) -> Curve:
    """Return the power of the paper's t test of the interaction, uncorrected.

    A size of 0.01 means: one sd of log10 parameters up, the slope per sd of log10 tokens changes by 0.01.
    """
    return _t_power(design_matrix(design.checkpoints), 3, design.noise, alpha)


def interaction_power_over_models(design: Design, alpha: float, rng: np.random.Generator) -> Curve:
    """Return the power of a t test of sizes' mean token slopes on size, with `slope_sd` and the noise of points."""
    matrix = design_matrix(design.checkpoints)
    points = with_size(design.checkpoints).assign(place=matrix[:, 1], course=matrix[:, 2])
    runs = [
        (size, run["place"].iloc[0], design.noise**2 / (len(run) * spread))
        for (size, _), run in points.groupby(["size", "model"])
        if (spread := run["course"].to_numpy().var()) > 0
    ]
    sizes = pd.DataFrame(runs, columns=["size", "place", "error"]).groupby("size")
    means = sizes.mean()
    noise = float(np.sqrt(design.slope_sd**2 + np.mean(means["error"] / sizes.size())))
    return _t_power(np.column_stack([np.ones(len(means)), means["place"]]), 1, noise, alpha)


def _t_power(matrix: np.ndarray, term: int, noise: float, alpha: float) -> Curve:
    """Return the power of the two-sided t test of a coefficient, as that of its square, a noncentral F."""
    df = matrix.shape[0] - matrix.shape[1]
    unit = float(np.sqrt(np.linalg.inv(matrix.T @ matrix)[term, term]))
    shift = np.linspace(0, SPAN, SIZES)
    power = np.asarray(stats.ncf.sf(stats.f.isf(alpha, 1, df), 1, df, np.maximum(shift, 1e-6) ** 2))
    return Curve(shift * unit * noise, np.maximum.accumulate(power))


def trend_power(design: Design, alpha: float, rng: np.random.Generator) -> Curve:
    """Return the power of `trends`' test of the trend of one model, uncorrected."""
    x, samples = design.course, design.flat(rng)
    slope, stderr = slopes(x, samples, design.points)
    size = np.linspace(0, SPAN * float(slope.std()), SIZES)
    t = np.abs(size[:, None] + slope) / stderr
    found = (t >= t_beyond(alpha / 2, len(x) - 2)).mean(axis=1)
    return Curve(size, np.maximum.accumulate(found))


def drop_power(design: Design, alpha: float, rng: np.random.Generator) -> Curve:
    """Return the power of `trends`' test of the drop of one model, uncorrected.

    The first half of the log tokens has the base accuracy; from there it falls evenly, by the size in all.
    """
    x, samples = design.course, design.flat(rng)
    fall = np.maximum(0.0, 2 * (x - x[0]) / np.ptp(x) - 1)
    test, questions = DropTest(x, design.points, rng), design.stderr**2
    size = np.linspace(0, SPAN * np.sqrt(2) * design.noise, SIZES)
    beyond = np.maximum(_variances(design, samples, fall, size) - questions, 0.0)
    columns = samples.T.copy()  # the largest of each column is found ten times faster than that of each row
    fallen = (columns - (one * fall)[:, None] for one in size)
    drop = np.array([values.max(axis=0) - values[-1] for values in fallen])
    found = (test.p(drop, np.full_like(drop, questions), beyond) <= alpha).mean(axis=1)
    return Curve(size, np.maximum.accumulate(found))


def _variances(design: Design, samples: np.ndarray, fall: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return `drops.variance` of the samples (B x n) less the fall of each size (sizes x B).

    It is a sum of squares of what is linear in the values, so a parabola in the size: three sizes tell it.
    """
    none, less, more = (
        variance(design.course, samples - unit * fall, design.points) for unit in (0.0, -size[-1], size[-1])
    )
    share = (size / size[-1])[:, None] if size[-1] > 0 else np.zeros((len(size), 1))
    return np.asarray(none + share * (more - less) / 2 + share**2 * ((more + less) / 2 - none))

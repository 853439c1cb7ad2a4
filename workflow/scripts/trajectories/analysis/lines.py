"""One line per run, one pair of numbers per size: what the tests between sizes start from.

The checkpoints of a run are one network at several ages, so whatever a test says about sizes it must say from numbers
that are independent between sizes. Here they are a run's level and slope: the intercept and slope of its own least
squares line of z-scored value on z-scored log10 tokens; the level is thus the line's height at the study's mean log10
tokens. Runs of one size are averaged. The summary-measures analysis of longitudinal data (Matthews et al. 1990, BMJ
300): dependence between the checkpoints of a run, of whatever kind, is in the scatter of these numbers.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from trajectories.analysis.terms import design_matrix, zscore

FEWEST_SIZES = 4
"""With fewer sizes nothing can be said about sizes: two are needed for a line, one more for its error, one to spare."""


@dataclass(frozen=True)
class RunLines:
    """Runs' own lines: `size` (R) is the number of the run's size, `place` (R) the z-score of that size.

    `coefficients` (R x 2) are level and slope, `inverse` (R x 2 x 2) their covariance but for the noise's variance,
    `residual` the sum of squares about all lines, `df` its degrees of freedom.
    """

    size: np.ndarray
    place: np.ndarray
    coefficients: np.ndarray
    inverse: np.ndarray
    residual: float
    df: int

    @property
    def sizes(self) -> int:
        """How many sizes there are."""
        return len(set(self.size.tolist()))

    @property
    def nested(self) -> bool:
        """Whether some size has several runs."""
        return len(self.size) > self.sizes

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Return per size its place (G), and the mean level and slope of its runs (G x 2)."""
        member = np.eye(self.size.max() + 1)[self.size]
        member = member[:, member.any(axis=0)] / member[:, member.any(axis=0)].sum(axis=0)
        return member.T @ self.place, member.T @ self.coefficients


def run_lines(points: pd.DataFrame) -> RunLines:
    """Return the lines of all runs with at least two steps; `points` has the column `size`."""
    design, y = design_matrix(points), zscore(points["value"].to_numpy(float))
    runs, sizes = pd.factorize(points["model"])[0], pd.factorize(points["size"])[0]
    several = points.groupby(runs)["tokens"].nunique().to_numpy() > 1
    parts = [_line(design[runs == run], y[runs == run]) for run in np.flatnonzero(several)]
    first = [int(np.argmax(runs == run)) for run in np.flatnonzero(several)]
    return RunLines(
        size=sizes[first],
        place=design[first, 1],
        coefficients=np.array([part[0] for part in parts]).reshape(-1, 2),
        inverse=np.array([part[1] for part in parts]).reshape(-1, 2, 2),
        residual=float(sum(part[2] for part in parts)),
        df=int(sum(part[3] for part in parts)),
    )


def _line(design: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, int]:
    course = design[:, [0, 2]]
    inverse = np.linalg.inv(course.T @ course)
    coefficients = inverse @ (course.T @ y)
    return coefficients, inverse, float(np.square(y - course @ coefficients).sum()), len(y) - 2


@dataclass(frozen=True)
class RunCurves:
    """The curvature of each run with at least three steps (R), with its size and the size's place."""

    size: np.ndarray
    place: np.ndarray
    curvature: np.ndarray

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Return per size its place (G) and the mean curvature of its runs (G)."""
        sizes = np.unique(self.size)
        return (
            np.array([self.place[self.size == size].mean() for size in sizes]),
            np.array([self.curvature[self.size == size].mean() for size in sizes]),
        )


def run_curves(points: pd.DataFrame) -> RunCurves:
    """Return the coefficient of the squared log10 tokens (z-scored) in each run's own parabola of z-scored values."""
    design, y = design_matrix(points), zscore(points["value"].to_numpy(float))
    runs, sizes = pd.factorize(points["model"])[0], pd.factorize(points["size"])[0]
    several = np.flatnonzero(points.groupby(runs)["tokens"].nunique().to_numpy() > 2)
    first = [int(np.argmax(runs == run)) for run in several]
    bends = [np.polyfit(design[runs == run, 2], y[runs == run], 2)[0] for run in several]
    return RunCurves(sizes[first], design[first, 1], np.array(bends, dtype=float))

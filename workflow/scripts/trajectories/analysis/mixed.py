"""Random levels and slopes of sizes, and of runs within sizes, by restricted maximum likelihood.

A run's line (`lines.RunLines`) is sufficient for everything but the noise, because the design of a run is spanned by 1
and log10 tokens. So the model is one of R pairs of numbers with covariance

    S + (same size) x D_sizes + (same run) x D_runs,

where S is the noise of the lines: sigma^2 (Z'Z)^-1 per run, or a known matrix (`items`). With one run per size the two
D's are one. Laird & Ware (1982), Biometrics 38; the profiled criterion is that of Bates et al. (2015), Journal of
Statistical Software 67, whose `lmer` the tests compare with.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from trajectories.analysis.lines import RunLines

TRIANGLE = np.tril_indices(2)
NONE = 1e-4
"""A standard deviation below this share of the lines' own noise is none."""


@dataclass(frozen=True)
class Mixed:
    """Coefficients in the design's order (1, parameters, tokens, interaction), their covariance, and the variances.

    `sizes` and `runs` (2 x 2 each) are covariances of level and slope; `runs` is None with one run per size.
    `singular` says which variance is none, or is empty.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    noise: float
    sizes: np.ndarray
    runs: np.ndarray | None
    criterion: float
    singular: str


def fit_mixed(lines: RunLines, sampling: np.ndarray | None = None) -> Mixed:
    """Fit by REML; `sampling` (2R x 2R, run by run) is the known covariance of the lines, else the noise is estimated.

    Raises `numpy.linalg.LinAlgError` where the design has fewer than two sizes.
    """
    problem = _Problem(lines, sampling)
    bounds = [(0, None), (None, None), (0, None)] * problem.levels
    starts = [np.tile([scale, 0.0, scale], problem.levels) for scale in (0.3 * problem.scale, 2 * problem.scale)]
    fits = [minimize(problem.criterion, start, method="SLSQP", bounds=bounds, tol=1e-12) for start in starts]
    return problem.solution(min(fits, key=lambda fit: float(fit.fun)).x)


@dataclass(frozen=True)
class MixedFits:
    """The fit of each set of lines that occurs, made once: two tables of one study ask for the same ones."""

    found: dict[bytes, Mixed] = field(default_factory=dict)

    def of(self, lines: RunLines) -> Mixed:
        """Return the fit, made where it is new."""
        key = b"".join(part.tobytes() for part in (lines.size, lines.place, lines.coefficients, lines.inverse))
        key += repr((lines.residual, lines.df)).encode()
        if key not in self.found:
            self.found[key] = fit_mixed(lines)
        return self.found[key]


class _Problem:
    """The REML criterion as a function of the triangles of the D's."""

    def __init__(self, lines: RunLines, sampling: np.ndarray | None) -> None:
        runs = len(lines.size)
        self.known = sampling is not None
        self.y = lines.coefficients.ravel()
        self.design = np.kron(np.column_stack([np.ones(runs), lines.place])[:, [0, 1]], np.eye(2))[:, [0, 2, 1, 3]]
        self.noise = _blocks(lines.inverse) if sampling is None else sampling
        self.residual, self.df = (lines.residual, lines.df) if sampling is None else (0.0, 0)
        same = (lines.size[:, None] == lines.size[None, :]).astype(float)
        together = [same, np.eye(runs)] if lines.nested else [same]
        self.same = [np.kron(each, np.ones((2, 2))) for each in together]
        self.levels = len(self.same)
        self.runs = runs
        self.scale = float(np.sqrt(np.mean(np.diag(self.noise)))) or 1.0

    def parts(self, theta: np.ndarray) -> list[np.ndarray]:
        """Return the D's (relative to the noise's variance where that is estimated)."""
        found = []
        for values in theta.reshape(-1, 3):
            triangle = np.zeros((2, 2))
            triangle[TRIANGLE] = values
            found.append(triangle @ triangle.T)
        return found

    def solve(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, float]:
        """Return coefficients, the inverse of their relative covariance, the weighted residual, log determinants."""
        shared = (s * np.tile(d, (self.runs, self.runs)) for s, d in zip(self.same, self.parts(theta), strict=True))
        covariance = self.noise + sum(shared)
        factor = cho_factor(covariance, lower=True, check_finite=False)
        weighted = cho_solve(factor, self.design, check_finite=False)
        information = self.design.T @ weighted
        coefficients = np.linalg.solve(information, weighted.T @ self.y)
        rest = self.y - self.design @ coefficients
        quadratic = float(rest @ cho_solve(factor, rest, check_finite=False))
        logs = 2 * float(np.log(np.diag(factor[0])).sum()) + float(np.linalg.slogdet(information)[1])
        return coefficients, information, quadratic, logs

    def criterion(self, theta: np.ndarray) -> float:
        """Return -2 log restricted likelihood but for a constant."""
        try:
            _, _, quadratic, logs = self.solve(theta)
        except np.linalg.LinAlgError:
            return np.inf
        if self.known:
            return quadratic + logs
        df = self.df + len(self.y) - 4
        return logs + df * float(np.log((self.residual + quadratic) / df))

    def solution(self, theta: np.ndarray) -> Mixed:
        coefficients, information, quadratic, _ = self.solve(theta)
        noise = 1.0 if self.known else (self.residual + quadratic) / (self.df + len(self.y) - 4)
        found = [noise * part for part in self.parts(theta)]
        singular = _singular(self.parts(theta), self.scale)
        runs = found[1] if self.levels > 1 else None
        covariance = noise * np.linalg.inv(information)
        return Mixed(coefficients, covariance, noise, found[0], runs, self.criterion(theta), singular)


def _blocks(matrices: np.ndarray) -> np.ndarray:
    """Return the block-diagonal matrix of R 2 x 2 matrices."""
    whole = np.zeros((2 * len(matrices), 2 * len(matrices)))
    for place, matrix in enumerate(matrices):
        whole[2 * place : 2 * place + 2, 2 * place : 2 * place + 2] = matrix
    return whole


def _singular(parts: list[np.ndarray], scale: float) -> str:
    """Say what does not vary in which D, in words; empty where all do."""
    least = (NONE * scale) ** 2
    names = ("sizes", "runs within sizes")
    found = [_none(part, names[i], least) for i, part in enumerate(parts) if np.linalg.eigvalsh(part)[0] < least]
    return f"singular: {' and '.join(found)}" if found else ""


def _none(part: np.ndarray, name: str, least: float) -> str:
    still = [what for what, variance in zip(("levels", "slopes"), np.diag(part), strict=True) if variance < least]
    return f"{' and '.join(still)} of {name} do not vary" if still else f"levels and slopes of {name} correlate fully"

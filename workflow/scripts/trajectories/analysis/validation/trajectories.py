"""Tests on one trajectory: how often they find what is not there, and what is, under noise that neighbours share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from scipy import stats

from trajectories.analysis.breaks import Comparison, comparisons
from trajectories.analysis.dependence import WHITE, Noise, slope_p, slopes
from trajectories.analysis.drops import DropTest
from trajectories.analysis.projections import projected
from trajectories.analysis.serial import likely_noise, log_likelihoods
from trajectories.analysis.shapes import FLAT, INVERTED_U, ShapeFinder
from trajectories.analysis.validation.frame import Rows, Table, percent
from trajectories.analysis.validation.noise import NULLS, STEPS

ALPHA = 0.05
TESTS = ("trend", "two lines", "AICc", "quadratic", "break", "drop")
STUDIES = (1, 96)
"""Trajectories of a study: alone, and as many as the paper has."""


@dataclass(frozen=True)
class Judge:
    """Every test on trajectories over one x, prepared once for each noise that is assumed."""

    x: np.ndarray
    resamples: int = 99
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    found: dict[Noise, tuple[ShapeFinder, DropTest, dict[str, Comparison]]] = field(default_factory=dict)

    def __call__(
        self, samples: np.ndarray, noise: list[Noise], tests: tuple[str, ...] = TESTS
    ) -> dict[str, np.ndarray]:
        """Return what each of `tests` says of each row (m x n) under its own noise (m).

        True: significant; for the two ways to find a shape, the name of the shape.
        """
        said: dict[str, np.ndarray] = {test: np.empty(len(samples), object) for test in tests}
        for own, rows in alike(noise):
            asked = self._under(samples[rows], own)
            for test in tests:
                said[test][rows] = asked[test]()
        return said

    def _under(self, samples: np.ndarray, noise: Noise) -> Mapping[str, Callable[[], object]]:
        points = noise.over(self.x)
        if noise not in self.found:
            line = np.column_stack([np.ones_like(self.x), self.x - self.x.mean()])
            self.found[noise] = (
                ShapeFinder(self.x, resamples=self.resamples, dependence=points),
                DropTest(self.x, points, np.random.default_rng(1)),
                comparisons(line, self.x, points),
            )
        shapes, drop, forms = self.found[noise]
        return {
            "trend": lambda: slope_p(self.x, samples, points) < ALPHA,
            "two lines": lambda: shapes.by_two_lines(samples, shapes.lines(samples)),
            "AICc": lambda: [
                shapes.by_model_choice(y, choice, self.rng)[0]
                for y, choice in zip(samples, shapes.models(samples).rows(), strict=True)
            ],
            "drop": lambda: drop(samples, np.zeros_like(samples)).p < ALPHA,
            "quadratic": lambda: _beyond(samples, forms["quadratic"]),
            "break": lambda: _beyond(samples, forms["break"]),
        }


def _beyond(samples: np.ndarray, comparison: Comparison) -> np.ndarray:
    """Return whether the richer model is significantly better on each row."""
    f = comparison.f(projected(comparison.white(samples.T).T, comparison.columns))
    if comparison.searched:
        return np.asarray(f > np.quantile(comparison.null, 1 - ALPHA))
    return np.asarray(f > stats.f.isf(ALPHA, 1, comparison.df_resid))


@cache
def judge(steps: str, table: str) -> Judge:
    """Return the tests for one set of steps; each table has its own, so that none changes another's random numbers."""
    return Judge(STEPS[steps])


def alike(noise: list[Noise]) -> list[tuple[Noise, np.ndarray]]:
    """Return each noise that is assumed, with the places where it is."""
    return [(own, np.array([place for place, one in enumerate(noise) if one == own])) for own in dict.fromkeys(noise)]


def assumed(samples: np.ndarray, x: np.ndarray, study: int) -> list[Noise]:
    """Return the noise assumed for each row when rows are the trajectories of studies of this size."""
    likelihoods = log_likelihoods(x, samples)
    parts = [likelihoods[:, start : start + study] for start in range(0, len(samples), study)]
    return [own for part in parts for own in likely_noise(part)]


def false_alarms(runs: int, seed: int, steps: tuple[str, ...] = tuple(STEPS)) -> Rows:
    """Yield how often each test finds something in noise, under the correlation `auto` assumes."""
    for name in steps:
        for noise, make in NULLS.items():
            samples = make(runs, STEPS[name], np.random.default_rng(seed))
            for study in STUDIES:
                own = assumed(samples, STEPS[name], study)
                said = judge(name, "false alarms")(samples, own)
                wrong = [said[test] != FLAT if test in ("two lines", "AICc") else said[test] for test in TESTS]
                yield [
                    name,
                    noise,
                    str(study),
                    f"{np.median([one.neighbours for one in own]):.2g}",
                    *(percent(found) for found in wrong),
                ]


def _effects(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return, for each test, the curve it ought to find, in standard deviations of the noise."""
    u = (x - x[0]) / np.ptp(x)
    hill, fall = 6 * (1 - 4 * (u - 0.5) ** 2), -4 * np.maximum(0.0, 2 * u - 1)
    tent = 6 * (1 - 2 * np.abs(u - 0.5))
    return {"trend": 4 * u, "two lines": hill, "AICc": hill, "quadratic": hill, "break": tent, "drop": fall}


def powers(runs: int, seed: int, steps: tuple[str, ...] = tuple(STEPS)) -> Rows:
    """Yield how often each test finds its effect; only an inverted U counts for a shape."""
    for name in steps:
        for noise in ("white", "0.5", "0.8"):
            samples = NULLS[noise](runs, STEPS[name], np.random.default_rng(seed))
            effects = _effects(STEPS[name])
            for study in STUDIES:
                own = assumed(samples, STEPS[name], study)
                cells = []
                for test in TESTS:
                    found = judge(name, "power")(samples + effects[test], own, (test,))[test]
                    cells.append(percent(found == INVERTED_U if test in ("two lines", "AICc") else found))
                yield [name, noise, str(study), *cells]


def drops(runs: int, seed: int, steps: tuple[str, ...] = tuple(STEPS)) -> Rows:
    """Yield how often a drop is found where part of the noise is of questions: none, and one of 4 sd.

    The 96 trajectories of a study share an estimate, so four times as many are drawn.
    """
    runs *= 4
    for name in steps:
        x = STEPS[name]
        fall = _effects(x)["drop"]
        for noise in ("white", "0.5", "0.8"):
            for share in (1.0, 0.5, 0.2):
                rng = np.random.default_rng(seed)
                checkpoints = np.sqrt(1 - share) * NULLS[noise](runs, x, rng)
                samples = checkpoints + np.sqrt(share) * rng.standard_normal(checkpoints.shape)
                own, stderr = assumed(samples, x, 96), np.full_like(samples, np.sqrt(share))
                flat, fallen = (_dropped(values, stderr, x, own) for values in (samples, samples + fall))
                yield [name, noise, f"{100 * share:.0f}", *(percent(part) for part in (*flat, fallen[1]))]


def _dropped(
    samples: np.ndarray, stderr: np.ndarray, x: np.ndarray, noise: list[Noise]
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether the drop is significant: by questions alone, by both parts of the error."""
    alone, both = np.zeros(len(samples), bool), np.zeros(len(samples), bool)
    for own, rows in alike(noise):
        found = DropTest(x, own.over(x), np.random.default_rng(1))(samples[rows], stderr[rows])
        alone[rows], both[rows] = found.p_questions < ALPHA, found.p < ALPHA
    return alone, both


def candidates(runs: int, seed: int) -> Rows:
    """Yield false alarms and power of the tests of a trend among which the one of `trends` was chosen."""
    for name, x in STEPS.items():
        for noise in ("white", "0.5", "0.8"):
            samples = NULLS[noise](runs, x, np.random.default_rng(seed))
            risen = samples + _effects(x)["trend"]
            cells = [
                f"{percent(_reject(test, samples, x))} / {percent(_reject(test, risen, x))}" for test in CANDIDATES
            ]
            yield [name, noise, *cells]


def _reject(test: str, samples: np.ndarray, x: np.ndarray) -> np.ndarray:
    return CANDIDATES[test](samples, x) < ALPHA


def _rank(samples: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return Mann-Kendall p-values (normal approximation, continuity correction)."""
    return _rank_p(samples, np.ones(len(samples)))


def _rank_p(samples: np.ndarray, inflation: np.ndarray) -> np.ndarray:
    n = samples.shape[1]
    score = sum(np.sign(samples[:, i + 1 :] - samples[:, [i]]).sum(axis=1) for i in range(n - 1))
    z = np.maximum(np.abs(score) - 1, 0) / np.sqrt(n * (n - 1) * (2 * n + 5) / 18 * inflation)
    return np.asarray(2 * stats.norm.sf(z))


def _corrected_rank(samples: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return Mann-Kendall p-values with the variance of Yue & Wang (2004): lag-1 correlation about the trend."""
    rest = _about_line(samples, x)
    r = np.sum(rest[:, 1:] * rest[:, :-1], axis=1) / np.square(rest).sum(axis=1)
    n = samples.shape[1]
    lags = np.arange(1, n)
    return _rank_p(samples, np.maximum(1 + 2 * ((1 - lags / n) * r[:, None] ** lags).sum(axis=1), 0.2))


def _about_line(samples: np.ndarray, x: np.ndarray) -> np.ndarray:
    basis, _ = np.linalg.qr(np.column_stack([np.ones_like(x), x]))
    return np.asarray(samples - (samples @ basis) @ basis.T)


def _hac(samples: np.ndarray, x: np.ndarray, lags: int) -> np.ndarray:
    """Return t of the least-squares slope with Bartlett's kernel over `lags`."""
    centred = x - x.mean()
    scores = _about_line(samples, x) * centred
    variance = np.square(scores).sum(axis=1)
    for lag in range(1, lags + 1):
        variance = variance + 2 * (1 - lag / (lags + 1)) * np.sum(scores[:, lag:] * scores[:, :-lag], axis=1)
    return np.asarray((samples @ centred) / np.sqrt(np.maximum(variance, 1e-12)))


def _newey_west(samples: np.ndarray, x: np.ndarray) -> np.ndarray:
    t = _hac(samples, x, int(4 * (len(x) / 100) ** (2 / 9)))
    return np.asarray(2 * stats.t.sf(np.abs(t), len(x) - 2))


def _fixed_b(samples: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return p-values of HAC over all lags, its distribution (Kiefer & Vogelsang 2005) simulated on white noise."""
    null = np.sort(np.abs(_hac(WHITE.over(x).draw(1999, np.random.default_rng(2)), x, len(x) - 1)))
    t = np.abs(_hac(samples, x, len(x) - 1))
    return np.asarray((1 + len(null) - np.searchsorted(null, t)) / (1 + len(null)))


def _plug_in(samples: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return p-values of the generalised least squares slope with the trajectory's own lag-1 correlation."""
    rest = _about_line(samples, x)
    r = np.clip(np.sum(rest[:, 1:] * rest[:, :-1], axis=1) / np.square(rest).sum(axis=1), 0, 0.95)
    found = [slopes(x, y[None, :], Noise(rho).over(x)) for y, rho in zip(samples, r.tolist(), strict=True)]
    t = np.array([abs(slope[0]) / stderr[0] for slope, stderr in found])
    return np.asarray(2 * stats.t.sf(t, len(x) - 2))


def _pooled(study: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def p_values(samples: np.ndarray, x: np.ndarray) -> np.ndarray:
        own = assumed(samples, x, study)
        p = np.empty(len(samples))
        for noise, rows in alike(own):
            p[rows] = slope_p(x, samples[rows], noise.over(x))
        return p

    return p_values


CANDIDATES: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "Mann-Kendall": _rank,
    "Yue-Wang": _corrected_rank,
    "Newey-West": _newey_west,
    "fixed-b": _fixed_b,
    "GLS, own r": _plug_in,
    "here, alone": _pooled(1),
    "here, of 96": _pooled(96),
}

_WHERE = ("steps", "noise", "study")


TABLES = (
    Table("false alarms", (*_WHERE, "assumed", *TESTS), false_alarms),
    Table("power", (*_WHERE, *TESTS), powers),
    Table("drops", ("steps", "noise", "% of questions", "questions alone", "both", "fall found"), drops),
    Table("candidates", ("steps", "noise", *CANDIDATES), candidates),
)

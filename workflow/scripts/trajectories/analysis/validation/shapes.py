"""How often are shapes found that are there, and that are not: simulated curves of every kind."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from trajectories.analysis.breaks import Comparison, compare, comparisons, plane
from trajectories.analysis.dependence import WHITE, Dependence, Noise
from trajectories.analysis.shapes import FLAT, INVERSE, INVERTED_U, POSITIVE, SHAPES, ShapeFinder, U
from trajectories.analysis.validation.frame import Rows, Table, percent
from trajectories.analysis.validation.noise import STEPS

Curve = Callable[[np.ndarray], np.ndarray]

TRUE: dict[str, tuple[str, Curve]] = {
    "flat": (FLAT, lambda u: 0 * u),
    "line": (POSITIVE, lambda u: u),
    "plateau": (POSITIVE, lambda u: 1 - np.exp(-4 * u)),
    "early sigmoid": (POSITIVE, lambda u: 1 / (1 + np.exp(-15 * (u - 0.3)))),
    "step": (POSITIVE, lambda u: (u > 0.5).astype(float)),
    "falling line": (INVERSE, lambda u: -u),
    "late fall": (INVERSE, lambda u: -np.expm1(4 * u) / np.expm1(4)),
    "early fall": (INVERSE, lambda u: np.exp(-4 * u)),
    "valley": (U, lambda u: 4 * (u - 0.5) ** 2),
    "late valley": (U, lambda u: 3 * (u - 0.65) ** 2),
    "hill": (INVERTED_U, lambda u: -4 * (u - 0.5) ** 2),
    "tent": (INVERTED_U, lambda u: 1 - 2 * np.abs(u - 0.5)),
}
"""Curves over 0..1 that span about 1, with their true shape."""


@dataclass(frozen=True)
class Design:
    """A layout of points: x (n), their noise, and models (n x G) with levels of their own."""

    name: str
    x: np.ndarray
    member: np.ndarray | None = None
    level: float = 0.0
    noise: Noise = WHITE


def designs() -> list[Design]:
    """Return the layouts: one trajectory of 8 or 143 steps, white and not, and 8 models x 8 steps over compute."""
    sizes = np.log10([70e6, 160e6, 410e6, 1e9, 1.4e9, 2.8e9, 6.9e9, 12e9])
    compute, model = np.add.outer(sizes, STEPS["8"]).ravel(), np.repeat(np.arange(8), 8)
    order = np.argsort(compute, kind="stable")
    single = [
        Design(f"{name} steps, {noise}", STEPS[name], noise=Noise(rho))
        for name in ("8", "143")
        for noise, rho in (("white", 0.0), ("0.5", 0.5))
    ]
    return [*single, Design("8 models x 8 steps over compute", compute[order], np.eye(8)[model[order]], 0.5)]


@cache
def finder(name: str, resamples: int) -> ShapeFinder:
    """Return both ways, prepared for the design of this name."""
    design = next(design for design in designs() if design.name == name)
    return ShapeFinder(design.x, design.member, resamples=resamples, dependence=design.noise.over(design.x))


def rates(
    design: Design, curve: Curve, noise: float, runs: int, seed: int, resamples: int = 99
) -> tuple[dict[str, float], dict[str, float]]:
    """Return how often each shape is found by two lines and by AICc on `runs` noisy copies of a curve.

    `noise` is the standard deviation about a curve that spans 1; models differ by `design.level` times that.
    """
    rng, find = np.random.default_rng(seed), finder(design.name, resamples)
    u = (design.x - design.x.min()) / np.ptp(design.x)
    samples = curve(u) + noise * design.noise.over(design.x).draw(runs, rng)
    if design.member is not None:
        levels = rng.standard_normal((runs, design.member.shape[1]))
        samples = samples + noise * design.level * levels @ design.member.T
    by_lines = find.by_two_lines(samples, find.lines(samples))
    choices = find.models(samples).rows()
    by_aicc = [find.by_model_choice(y, choice, rng)[0] for y, choice in zip(samples, choices, strict=True)]
    return _shares(by_lines), _shares(by_aicc)


def false_alarm(true: str, found: dict[str, float]) -> float:
    """Return the rate that has to stay at 5 %: any shape on flat noise, a turn on a curve without one.

    Missing where the truth turns: there is no false alarm to count.
    """
    if true == FLAT:
        return 1 - found[FLAT]
    return found[U] + found[INVERTED_U] if true in (POSITIVE, INVERSE) else float("nan")


def _shares(found: list[str]) -> dict[str, float]:
    return {shape: found.count(shape) / len(found) for shape in SHAPES}


SPREADS = (0.05, 0.15, 0.4)


def shapes(runs: int, seed: int) -> Rows:
    """Yield, per design and curve, the shares given the true shape at each spread, and the worst false alarm."""
    for design in designs():
        for name, (true, curve) in TRUE.items():
            found = [rates(design, curve, spread, runs, seed) for spread in SPREADS]
            ways = list(zip(*found, strict=True))
            right = [f"{100 * shares[true]:.1f}" for way in ways for shares in way]
            worst = [max(false_alarm(true, shares) for shares in way) for way in ways]
            yield [design.name, name, true, *right, *("" if np.isnan(rate) else f"{100 * rate:.1f}" for rate in worst)]


def over_models(runs: int, seed: int) -> Rows:
    """Yield false alarms about the plane over 8 models x 26 steps: noise of neighbours, courses of models' own."""
    tokens = np.tile(STEPS["26"], 8)
    size = np.repeat(np.log10([70e6, 160e6, 410e6, 1e9, 1.4e9, 2.8e9, 6.9e9, 12e9]), 26)
    member, runs_of = np.kron(np.eye(8), np.ones((26, 1))), np.repeat(np.arange(8), 26)
    points = Dependence(Noise(0.7), np.tile(np.arange(26.0), 8), runs_of)
    bowl = np.square(tokens - tokens.mean()) / np.var(tokens)
    for courses in (0.0, 1.0):
        rng = np.random.default_rng(seed)
        noise = [points.draw(1, rng)[0] + courses * member @ rng.standard_normal(8) * bowl for _ in range(runs)]
        for axis, x in (("tokens", tokens), ("compute", size + tokens)):
            for form, comparison in comparisons(plane(size, tokens), x, points).items():
                ignored = comparisons(plane(size, tokens), x)[form]
                cells = [_rejects(noise, comparison, member, how, rng) for how in ("p", "p_cluster")]
                yield [f"{courses:g}", axis, form, _rejects(noise, ignored, None, "p", rng), *cells]


def _rejects(
    noise: list[np.ndarray], comparison: Comparison, member: np.ndarray | None, p: str, rng: np.random.Generator
) -> str:
    found = [compare(y, comparison, member, 199, rng)[p] for y in noise]
    return percent([float(str(one)) < 0.05 for one in found])


_BY_SPREAD = tuple(f"{way} {spread:g}" for way in ("two lines", "AICc") for spread in SPREADS)
TABLES = (
    Table("shapes", ("design", "curve", "truth", *_BY_SPREAD, "two lines: false", "AICc: false"), shapes),
    Table("over models", ("own courses", "axis", "form", "independent", "p", "p_cluster"), over_models),
)

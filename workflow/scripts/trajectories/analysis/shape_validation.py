"""How often are shapes found that are there, and that are not: simulated curves of every kind.

`python -m trajectories.analysis.shape_validation docs/shapes.md` writes the table of the documentation (minutes).
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trajectories.analysis.shapes import FLAT, INVERSE, INVERTED_U, POSITIVE, SHAPES, ShapeFinder, U
from trajectories.files import write_text

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
    """A layout of points: x (n), their clusters (n x G) or none, and the spread of the clusters' own levels."""

    name: str
    x: np.ndarray
    member: np.ndarray | None = None
    level: float = 0.0


def designs() -> list[Design]:
    """Return the paper's layouts: one trajectory of 8 steps, 8 models over compute, and a trajectory of 143 steps."""
    steps = np.log10([2000, 4000, 8000, 16000, 32000, 64000, 128000, 143000])
    sizes = np.log10([70e6, 160e6, 410e6, 1e9, 1.4e9, 2.8e9, 6.9e9, 12e9])
    compute, model = np.add.outer(sizes, steps).ravel(), np.repeat(np.arange(8), 8)
    order = np.argsort(compute, kind="stable")
    return [
        Design("8 steps of one model", steps),
        Design("8 models x 8 steps over compute", compute[order], np.eye(8)[model[order]], 0.5),
        Design("143 steps of one model", np.log10(np.arange(1000, 144000, 1000))),
    ]


def rates(
    design: Design, curve: Curve, noise: float, runs: int, seed: int, resamples: int = 199
) -> tuple[dict[str, float], dict[str, float]]:
    """Return how often each shape is found by two lines and by AICc on `runs` noisy copies of a curve.

    `noise` is the standard deviation about a curve that spans 1; models differ by `design.level` times that.
    """
    rng = np.random.default_rng(seed)
    finder = ShapeFinder(design.x, design.member, resamples=resamples)
    u = (design.x - design.x.min()) / np.ptp(design.x)
    samples = curve(u) + noise * rng.standard_normal((runs, len(u)))
    if design.member is not None:
        levels = rng.standard_normal((runs, design.member.shape[1]))
        samples = samples + noise * design.level * levels @ design.member.T
    by_lines = finder.by_two_lines(samples, finder.lines(samples))
    by_aicc = [finder.by_model_choice(y, finder.models(y[None, :]), rng)[0] for y in samples]
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


def _lines(runs: int, seed: int) -> Iterator[str]:
    for design in designs():
        yield f"\n## {design.name} ({len(design.x)} points)\n"
        yield "| noise | curve | truth | way | " + " | ".join(SHAPES) + " | false alarms |"
        yield "| --- | --- | --- | --- |" + " ---: |" * (len(SHAPES) + 1)
        for noise in (0.05, 0.15, 0.4):
            for name, (true, curve) in TRUE.items():
                both = rates(design, curve, noise, runs, seed)
                for way, found in zip(("two lines", "AICc"), both, strict=True):
                    alarm = false_alarm(true, found)
                    cells = [f"{100 * found[shape]:.1f}" for shape in SHAPES]
                    cells.append("" if np.isnan(alarm) else f"{100 * alarm:.1f}")
                    yield f"| {noise} | {name} | {true} | {way} | " + " | ".join(cells) + " |"


def document(runs: int = 2000, seed: int = 1) -> str:
    """Return the Markdown page with all rates in percent."""
    head = (
        "# Shapes: true against found\n\n"
        f"Percent of {runs} simulated curves given each shape (seed {seed}). Curves span 1, `noise` is the standard\n"
        "deviation about them; over compute, models also differ in level by half the noise. A false alarm is any\n"
        "shape on flat noise, or a turn on a curve that keeps its direction; its nominal rate is 5 %, and the\n"
        f"simulation's own standard error there is {100 * (0.05 * 0.95 / runs) ** 0.5:.1f} %.\n"
        "Made by `python -m trajectories.analysis.shape_validation docs/shapes.md`.\n"
    )
    return head + "\n".join(_lines(runs, seed)) + "\n"


if __name__ == "__main__":
    write_text(Path(sys.argv[1]), document(*(int(argument) for argument in sys.argv[2:])))

"""Error rates and power of the tests between sizes (`checks`), under dependence within runs and within sizes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trajectories.analysis.checks import REFITS, Setting, least_squares
from trajectories.analysis.points import generator, task_points
from trajectories.analysis.terms import TERMS, design_matrix
from trajectories.analysis.validation.frame import Rows, Table, percent
from trajectories.analysis.validation.noise import STEPS, neighbours
from trajectories.analysis.verdicts import RULE

SIZES = (70e6, 160e6, 410e6, 1e9, 1.4e9, 2.8e9, 6.9e9, 12e9)
TESTS = ("paper", "cluster", *RULE)
MIXED = 2
"""The mixed model is fitted to one study in so many: it takes a hundred times the time of the others."""

LEVEL = 0.05


@dataclass(frozen=True)
class Scenario:
    """Simulated studies: noise of checkpoints has variance 1 and correlation `rho` between neighbours.

    `sizes_sd` and `runs_sd` are standard deviations of levels and slopes (per sd of log10 tokens) of sizes and of runs;
    `effects` the true coefficients of parameters, tokens and interaction.
    """

    name: str
    sizes: int = 8
    runs: int = 1
    steps: str = "8"
    rho: float = 0.0
    sizes_sd: tuple[float, float] = (0.0, 0.0)
    runs_sd: tuple[float, float] = (0.0, 0.0)
    effects: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def points(self) -> pd.DataFrame:
        """Return the study's checkpoints, with values of no meaning."""
        steps = np.round(10 ** STEPS[self.steps]).astype(int)
        rows = [
            (f"m{size}-{run}", SIZES[size], step, step * 2_097_152)
            for size in range(self.sizes)
            for run in range(self.runs)
            for step in steps
        ]
        table = pd.DataFrame(rows, columns=["model", "parameters", "step", "tokens"])
        table = table.assign(task="t", metric="accuracy", stderr=np.nan, questions=np.nan, value=0.0)
        return task_points(table, "t", "accuracy")

    def values(self, points: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
        """Return simulated values of these points (n)."""
        design, steps = design_matrix(points.assign(value=0.0)), STEPS[self.steps]
        noise = neighbours(self.rho)(self.sizes * self.runs, steps, rng).ravel()
        shape = (self.sizes, self.runs)
        own = [np.zeros(shape), np.zeros(shape)]
        for which in range(2):
            own[which] += self.sizes_sd[which] * rng.standard_normal((self.sizes, 1))
            own[which] += self.runs_sd[which] * rng.standard_normal(shape)
        level, slope = (np.repeat(each.ravel(), len(steps)) for each in own)
        return np.asarray(noise + level + slope * design[:, 2] + design[:, 1:] @ np.array(self.effects))


NULLS = (
    Scenario("8 sizes, white"),
    Scenario("8 sizes, 0.8", rho=0.8),
    Scenario("8 sizes, 26 steps, 0.7", steps="26", rho=0.7),
    Scenario("8 sizes, levels and slopes of their own, 0.5", rho=0.5, sizes_sd=(1.0, 0.6)),
    Scenario("the same, and size matters (3)", rho=0.5, sizes_sd=(1.0, 0.3), effects=(3.0, 0.0, 0.0)),
    Scenario("the same, size and training matter (2)", rho=0.5, sizes_sd=(1.0, 0.3), effects=(2.0, 2.0, 0.0)),
    Scenario("5 sizes of 9 runs, levels and slopes of sizes, 0.5", 5, 9, rho=0.5, sizes_sd=(1.0, 0.6)),
    Scenario("8 sizes of 2 runs, 0.8", runs=2, rho=0.8, sizes_sd=(0.5, 0.3), runs_sd=(0.5, 0.3)),
    Scenario("4 sizes, levels and slopes of their own, 0.5", 4, rho=0.5, sizes_sd=(1.0, 0.6)),
)
EFFECT = (0.6, 0.6, 0.4)
ALTERNATIVES = (
    Scenario("8 sizes, white", effects=EFFECT),
    Scenario("8 sizes, 0.5", rho=0.5, sizes_sd=(0.3, 0.2), effects=EFFECT),
    Scenario("8 sizes, 26 steps, 0.7", steps="26", rho=0.7, sizes_sd=(0.3, 0.2), effects=EFFECT),
    Scenario("5 sizes of 9 runs, 0.5", 5, 9, rho=0.5, sizes_sd=(0.3, 0.2), effects=EFFECT),
    Scenario("4 sizes, 0.5", 4, rho=0.5, sizes_sd=(0.3, 0.2), effects=EFFECT),
)


def rejections(scenario: Scenario, runs: int, seed: int) -> dict[str, np.ndarray]:
    """Return per test of `TESTS`, and for `rule` (all four), which studies it rejects in at 5 % (studies x 3 terms).

    A test that gives no result has no studies.
    """
    points = scenario.points()
    found: dict[str, list[list[bool]]] = {name: [] for name in (*TESTS, "rule")}
    for study in range(runs):
        rng = generator(seed, scenario.name, str(study))
        data, setting = points.assign(value=scenario.values(points, rng)), Setting(100, study)
        each = {name: _p(name, data, setting) for name in TESTS if name != "mixed" or study % MIXED == 0}
        for name, p in each.items():
            if not np.isnan(p).all():
                found[name].append((p < LEVEL).tolist())
        if "mixed" in each:
            given = np.array([each[name] for name in RULE])
            found["rule"].append(((given < LEVEL) | np.isnan(given)).all(axis=0).tolist())
    return {name: np.array(rows).reshape(-1, 3) for name, rows in found.items()}


def _p(name: str, data: pd.DataFrame, setting: Setting) -> np.ndarray:
    rows = least_squares(data) if name == "paper" else REFITS[name](data, setting)
    return np.array([row.get("p", np.nan) for row in rows], dtype=float)


def cells(scenario: Scenario, runs: int, seed: int, shown: Callable[[float], bool]) -> Iterator[str]:
    """Yield a cell per test and for the rule: percent rejected of parameters / tokens / interaction.

    Terms whose true effect is not `shown` have a dash.
    """
    rates: Mapping[str, np.ndarray] = rejections(scenario, runs, seed)
    for rejected in rates.values():
        parts = [
            percent(rejected[:, term]) if shown(scenario.effects[term]) and len(rejected) else "–"
            for term in range(len(TERMS))
        ]
        yield " / ".join(parts)


def _errors(runs: int, seed: int) -> Rows:
    for scenario in NULLS:
        yield [scenario.name, *cells(scenario, runs, seed, lambda effect: effect == 0)]


def _power(runs: int, seed: int) -> Rows:
    for scenario in ALTERNATIVES:
        yield [scenario.name, *cells(scenario, runs, seed, lambda effect: effect != 0)]


HEADS = ("studies", "Table 1", "`cluster`", *(f"`{name}`" for name in RULE), "all four")
TABLES = (Table("size-errors", HEADS, _errors), Table("size-power", HEADS, _power))

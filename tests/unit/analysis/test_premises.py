"""Constant answers, planes that do not fit, effects in their own unit, and where values vary."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from support.accuracies import grid
from trajectories.analysis.checks import Setting
from trajectories.analysis.constants import constant_flags, known_levels
from trajectories.analysis.effects import effects_table, unit_of
from trajectories.analysis.points import task_points
from trajectories.analysis.premises import premises_table
from trajectories.analysis.sensitivity import sensitivity_table, survival_table
from trajectories.analysis.variation import ONE_RUN, variation_table

METRICS = {"t": "accuracy"}
QUICK = Setting(resamples=99)


def noisy(seed: int, slope: float = -0.05, sd: float = 0.01, **how: object) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return grid(lambda p, t: 0.6 + slope * (t - 10.5) + sd * rng.normal(size=len(t)), **how)  # type: ignore[arg-type]


def yes_then_no(switch: float = 10.0) -> pd.DataFrame:
    """Every model says yes to all 104 questions until about 10^10 tokens, and no from then on."""
    rng = np.random.default_rng(2)
    data = grid(lambda p, t: np.where(t + 0.3 * rng.normal(size=len(t)) < switch, 66 / 104, 38 / 104))
    return data.assign(questions=104)


def test_constant_answers_are_suspected_and_make_the_verdict() -> None:
    flags = constant_flags(yes_then_no(), METRICS)
    assert flags["constant"].all()
    assert set(flags["by"]) == {"repetition"}
    survival = survival_table(sensitivity_table(yes_then_no(), METRICS, QUICK))
    assert set(survival["verdict"]) == {"constant answers"}
    assert set(survival["without_constant"]) == {"NA"}


def test_known_constants_and_answers_come_before_suspicion() -> None:
    data = noisy(1)
    data.loc[:20, "value"] = 0.25
    flags = constant_flags(data, METRICS, {"t": (0.25, 0.75)})
    assert flags["constant"].sum() == 21
    answers = data[["model", "step", "task"]].assign(constant=["True"] * 3 + ["False"] * 61, by="answers")
    told = constant_flags(data, METRICS, {"t": (0.25,)}, answers)
    assert (told["constant"].sum(), set(told["by"])) == (3, {"answers"})
    tasks = pd.DataFrame({"task": ["t", "u"], "chance": [0.5, np.nan], "constants": ["0.25 0.75", np.nan]})
    assert known_levels(tasks) == ({"t": 0.5}, {"t": (0.25, 0.75)})


def test_a_constant_answer_that_is_always_true_is_known_from_zeros_and_ones() -> None:
    """Where the same text is true throughout, models that say one thing score exactly 0 or 1, most of them 1."""
    rng = np.random.default_rng(9)
    data = noisy(9)
    data["value"] = np.where(np.arange(64) % 5 < 2, 1.0, np.round(rng.uniform(0.4, 0.99, 64) * 1236) / 1236)
    data.loc[:1, "value"] = 0.0
    flags = constant_flags(data.assign(questions=1236), METRICS, {"t": (0, 1)})
    assert flags["constant"].tolist() == data["value"].isin([0, 1]).tolist()


def test_a_guesser_meets_a_known_constant_by_chance() -> None:
    rng = np.random.default_rng(8)
    data = grid(lambda p, t: rng.binomial(20, 0.5, len(t)) / 20).assign(questions=20)
    assert (data["value"] == 0.5).sum() > 5
    assert not constant_flags(data, METRICS, {"t": (0.5,)})["constant"].any()


@pytest.mark.parametrize("seed", range(5))
def test_sampled_accuracies_and_solved_tasks_are_not_suspected(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for questions in (20, 100, 1000):
        data = grid(lambda p, t, n=questions: rng.binomial(n, 0.5, len(t)) / n).assign(questions=questions)
        assert not constant_flags(data, METRICS)["constant"].any()
    solved = grid(lambda p, t: np.clip(0.4 * (t - 8.5), 0, 1))
    assert not constant_flags(solved, METRICS)["constant"].any()


def test_some_constant_answers_leave_the_rest_to_be_tested() -> None:
    data = noisy(3)
    data.loc[data["step"] == 2000, "value"] = 0.25
    flags = constant_flags(data, METRICS, {"t": (0.25,)})
    table = sensitivity_table(data, METRICS, Setting(99, 1, None, flags)).set_index(["check", "term"])
    row = table.loc[("without_constant", "tokens")]
    assert row["note"] == "8 of 64 checkpoints give constant answers"
    rest = data[data["step"] != 2000]
    alone = sensitivity_table(rest, METRICS, QUICK).set_index(["check", "term"]).loc[("paper", "tokens")]
    assert row["t"] == pytest.approx(alone["t"])


def test_a_bent_surface_and_one_out_of_range_are_said() -> None:
    rng = np.random.default_rng(1)
    steps = tuple(2**power for power in range(18))
    bent = grid(lambda p, t: 0.5 / (1 + np.exp(-6 * (t - 10))) + 0.01 * rng.normal(size=len(t)), steps=steps)
    straight, falling = noisy(2, steps=steps).assign(task="s"), noisy(2, slope=-0.5).assign(task="f")
    data, metrics = pd.concat([bent, straight, falling]), dict.fromkeys("tsf", "accuracy")
    found = premises_table(data, metrics, constant_flags(data, metrics), {"t": 0.25}).set_index("task")
    assert found["plane"].tolist() == ["bent", "fits", "leaves the range"]
    assert found.loc["t", "below_chance"] > 30
    assert np.isnan(found.loc["s", "below_chance"])


def test_effects_are_per_doubling_and_tenfold() -> None:
    data = grid(lambda p, t: 0.5 - 0.03 * p + 0.02 * t + 0.01 * (p - 9) * (t - 10.5))
    points = task_points(data.assign(value=data["value"] + np.sin(np.arange(64)) * 1e-3), "t", "accuracy")
    x, z = np.log10(points["parameters"].to_numpy(float)), np.log10(points["tokens"].to_numpy(float))
    x, z = x - x.mean(), z - z.mean()
    direct = sm.OLS(points["value"].to_numpy(), np.column_stack([np.ones(64), x, z, x * z])).fit().params
    sensitivity = sensitivity_table(points, METRICS, QUICK)
    effects = effects_table(points, METRICS, sensitivity, survival_table(sensitivity)).set_index("term")
    expected = [direct[1] * np.log10(2), direct[2], direct[3] * np.log10(2)]
    assert effects["effect"].tolist() == pytest.approx(expected)
    assert unit_of(points, "tokens") > 0


def test_a_null_is_excluded_or_undecided() -> None:
    quiet, loud = noisy(4, slope=0.0, sd=0.005), noisy(4, slope=0.0, sd=0.2).assign(task="u")
    data, metrics = pd.concat([quiet, loud]), {"t": "accuracy", "u": "accuracy"}
    sensitivity = sensitivity_table(data, metrics, QUICK)
    effects = effects_table(data, metrics, sensitivity, survival_table(sensitivity))
    assert effects["outcome"].tolist() == ["no effect beyond ±2 points"] * 3 + ["undecided"] * 3
    assert (effects["low"] < effects["effect"]).all()


def seeds(runs: int, rng: np.random.Generator) -> pd.DataFrame:
    """Five sizes; levels vary by 0.1 between sizes and 0.03 between runs, checkpoints by 0.02."""
    tables = []
    between = np.repeat(rng.normal(0, 0.1, 5), 8)
    for run in range(runs):
        own = np.repeat(rng.normal(0, 0.03, 5), 8)
        data = grid(lambda p, t, own=own: 0.5 - 0.1 * (t - 10.5) + between + own + 0.02 * rng.normal(size=40), models=5)
        tables.append(data.assign(model=data["model"] + f"-seed{run}"))
    return pd.concat(tables, ignore_index=True)


def test_variation_finds_the_sizes_of_what_was_put_in() -> None:
    rng = np.random.default_rng(0)
    found = [variation_table(seeds(9, rng), METRICS).iloc[0] for _ in range(12)]
    assert np.mean([row["sd_sizes"] for row in found]) == pytest.approx(0.1, rel=0.3)
    assert np.mean([row["sd_runs"] for row in found]) == pytest.approx(0.03, rel=0.15)
    assert np.mean([row["sd_checkpoints"] for row in found]) == pytest.approx(np.sqrt(0.02**2 - 0.01**2), rel=0.15)
    assert [row["sd_questions"] for row in found] == pytest.approx([0.01] * 12)


def test_the_interval_of_a_new_run_has_its_level() -> None:
    """The slope of a tenth run lies in the interval that nine made in 95 % of cases."""
    rng, inside = np.random.default_rng(1), []
    for _ in range(16):
        data = seeds(10, rng)
        last = data["model"].str.endswith("seed9")
        made = variation_table(data[~last], METRICS).iloc[1:]
        for (_, run), (_, row) in zip(data[last].groupby("parameters"), made.iterrows(), strict=True):
            slope = np.polyfit(np.log10(run["tokens"]), run["value"], 1)[0]
            inside.append(row["slope_low"] < slope < row["slope_high"])
    assert np.mean(inside) == pytest.approx(0.95, abs=0.07)


def test_one_run_per_size_has_no_variation_of_runs() -> None:
    table = variation_table(noisy(1), METRICS)
    assert set(table["reason"]) == {ONE_RUN}
    assert table["slope_low"].isna().all()
    assert len(table) == 9

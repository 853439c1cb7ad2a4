"""Power against the noncentral t and normal distributions, and against the real test on simulated studies."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from support.accuracies import METRICS, grid, published
from trajectories.analysis.dependence import Noise
from trajectories.analysis.designs import (
    Curve,
    Design,
    drop_power,
    interaction_power,
    interaction_power_over_models,
    trend_power,
)
from trajectories.analysis.power import observed_noise, plan, power_tables, question_count, write_power
from trajectories.analysis.regression import regression_table
from trajectories.analysis.terms import design_matrix
from trajectories.analysis.trends import trends_table
from trajectories.tables import COLUMNS, read_table, write_table

UNKNOWN = "the number of questions is not known"
CHECKPOINTS = grid(lambda p, t: 0 * t)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_interaction_power_is_that_of_the_noncentral_t() -> None:
    design = Design(CHECKPOINTS, questions=500, base=0.4, sd=0.03)
    curve = interaction_power(design, 0.05, rng())
    x = design_matrix(CHECKPOINTS)
    noncentral = curve.size / (design.noise * np.sqrt(np.linalg.inv(x.T @ x)[3, 3]))
    critical = stats.t.isf(0.025, 60)
    exact = stats.nct.sf(critical, 60, noncentral) + stats.nct.cdf(-critical, 60, noncentral)
    assert curve.power == pytest.approx(exact, abs=0.03)
    assert curve.power[0] == pytest.approx(0.05, abs=0.012)


def test_power_over_models_uses_one_slope_per_model() -> None:
    design = Design(CHECKPOINTS, questions=10**9, base=0.5, slope_sd=0.02)
    curve = interaction_power_over_models(design, 0.05, rng())
    sizes = design_matrix(CHECKPOINTS)[::8, 1]
    noncentral = curve.size / (0.02 / np.sqrt(np.square(sizes - sizes.mean()).sum()))
    exact = stats.nct.sf(stats.t.isf(0.025, 6), 6, noncentral)
    assert curve.power[20:] == pytest.approx(exact[20:], abs=0.03)


def test_trend_power_is_that_of_the_noncentral_t_under_the_assumed_correlation() -> None:
    design = Design(CHECKPOINTS, questions=10**12, base=0.5, sd=0.02, serial=Noise(0.5))
    curve = trend_power(design, 0.05, rng())
    x = np.log10(CHECKPOINTS["tokens"].to_numpy(float)[:8])
    inverse = np.linalg.inv(0.5 ** np.abs(np.subtract.outer(np.arange(8), np.arange(8))))
    line = np.column_stack([np.ones(8), x])
    noncentral = curve.size / (0.02 * np.sqrt(np.linalg.inv(line.T @ inverse @ line)[1, 1]))
    critical = stats.t.isf(0.025, 6)
    exact = stats.nct.sf(critical, 6, noncentral) + stats.nct.cdf(-critical, 6, noncentral)
    assert curve.power == pytest.approx(exact, abs=0.04)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_smallest_trend_and_drop_are_found_four_times_in_five_by_trends_itself(rho: float) -> None:
    """The table of trends, on studies simulated here, under the same correlation."""
    design = Design(CHECKPOINTS, questions=400, base=0.5, sd=0.03, serial=Noise(rho))
    noise = np.random.default_rng(3)
    stderr = np.sqrt(0.25 / 400)
    x = np.log10(CHECKPOINTS["tokens"].to_numpy(float)[:8])
    fall = np.maximum(0, 2 * (x - x[0]) / np.ptp(x) - 1)
    slope, drop = (power(design, 0.05, rng()).smallest(0.8) for power in (trend_power, drop_power))
    for effect, column in ((slope * (x - x[0]), "p"), (-drop * fall, "drop_p")):
        parts = []
        for study in range(40):
            values = stderr * noise.standard_normal((8, 8)) + 0.03 * Noise(rho).over(x).draw(8, noise) + effect
            parts.append(CHECKPOINTS.assign(value=0.5 + values.ravel(), stderr=stderr, task=f"t{study}"))
        found = trends_table(pd.concat(parts), {f"t{study}": "accuracy" for study in range(40)}, serial=rho)[column]
        assert len(found) == 320
        assert np.mean(found <= 0.05) == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / 320))


def test_picking_the_best_of_many_costs_no_false_alarms() -> None:
    assert drop_power(Design(CHECKPOINTS, 400, 0.5), 0.05, rng()).power[0] <= 0.055


def test_the_smallest_interaction_is_found_four_times_in_five_by_the_regression_itself() -> None:
    design = Design(CHECKPOINTS, questions=600, base=0.5)
    size = interaction_power(design, 0.05, rng()).smallest(0.8)
    noise = np.random.default_rng(2)
    term = design_matrix(CHECKPOINTS)[:, 3]
    values = [0.5 + size * term + design.noise * noise.standard_normal(64) for _ in range(150)]
    data = pd.concat([CHECKPOINTS.assign(value=value, task=f"t{study}") for study, value in enumerate(values)])
    table = regression_table(data, {f"t{study}": "accuracy" for study in range(150)})
    found = table.loc[table["term"] == "interaction", "p"] <= 0.05
    assert len(found) == 150
    assert np.mean(found) == pytest.approx(0.8, abs=3 * np.sqrt(0.16 / 150))


def test_smallest_is_interpolated_and_missing_where_out_of_reach() -> None:
    curve = Curve(np.array([0.0, 1.0, 2.0]), np.array([0.05, 0.6, 1.0]))
    assert curve.smallest(0.8) == pytest.approx(1.5)
    assert np.isnan(Curve(curve.size, curve.power * 0.5).smallest(0.8))


def test_observed_noise_recovers_what_was_put_in() -> None:
    noise = np.random.default_rng(4)
    codes, tokens = np.repeat(np.arange(8), 8), design_matrix(CHECKPOINTS)[:, 2]
    points, slopes = [], []
    for _ in range(80):
        value = 0.5 + noise.normal(0, np.sqrt(0.03**2 + 0.01**2), 64)
        points.append(observed_noise(CHECKPOINTS.assign(value=value))[0])
        own = noise.normal(0, 0.05, 8)[codes] * tokens
        slopes.append(observed_noise(CHECKPOINTS.assign(value=0.5 + own + noise.normal(0, 0.01, 64)))[1])
    assert np.sqrt(np.mean(np.square(points))) == pytest.approx(0.03, rel=0.06)
    assert np.sqrt(np.mean(np.square(slopes))) == pytest.approx(0.05, rel=0.12)


def test_numbers_of_questions_come_back_from_published_standard_errors(shared_data: Path) -> None:
    accuracy = published(shared_data)
    for task, count in (("isp_sig_figs", 20897), ("isp_neqa", 300), ("isp_memo_trap", 936), ("truthfulqa_mc1", 817)):
        assert question_count(accuracy[accuracy["task"] == task]) == pytest.approx(count, rel=0.001)


def test_published_design(shared_data: Path) -> None:
    table, curves = power_tables(published(shared_data), METRICS)
    assert set(table["models"]) == {8}
    assert set(table["steps"]) == {8}
    smallest = table.set_index(["task", "effect", "noise"])["smallest"]
    assert smallest["isp_sig_figs", "interaction", "questions"] == pytest.approx(0.0012, abs=0.0002)
    for task in METRICS:
        interaction = [smallest[task, "interaction", noise] for noise in ("questions", "observed", "models")]
        assert interaction == sorted(interaction)
    reasons = table.set_index(["task", "effect", "noise"])["reason"]
    assert reasons["isp_repetitive_algebra", "drop", "observed"] == "larger than the accuracy itself"
    for _, curve in curves.groupby(["task", "effect", "noise"]):
        assert curve["power"].is_monotonic_increasing


def test_a_design_can_be_judged_before_it_is_run() -> None:
    table = plan(CHECKPOINTS[["model", "parameters", "step", "tokens"]], {"many": 4000, "few": 100})
    smallest = table.set_index(["task", "effect"])["smallest"]
    for effect in ("interaction", "trend", "drop"):
        ratio = smallest["few", effect] / smallest["many", effect]
        assert ratio == pytest.approx(np.sqrt(40), rel=0.1)
    assert set(table["base"]) == {0.5}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (grid(lambda p, t: 0 * t), "accuracy is 0 throughout"),
        (grid(lambda p, t: 0 * t + 0.5, models=3), "fewer than 4 sizes with several steps"),
        (grid(lambda p, t: 0.1 * np.sin(t) + 0.5, models=1), "one model only"),
        (
            grid(lambda p, t: 0.5 + 0 * t, stderr=np.nan).assign(questions=np.nan),
            "the number of questions is not known",
        ),
    ],
)
def test_what_cannot_be_simulated_says_why(data: pd.DataFrame, reason: str) -> None:
    table, curves = power_tables(data, {"t": "accuracy"})
    assert set(table["reason"]) == {reason}
    assert table["smallest"].isna().all()
    assert curves.empty


def test_written_tables_have_the_documented_columns_and_repeat(tmp_path: Path) -> None:
    write_table(grid(lambda p, t: 0.5 + 0.01 * np.sin(9 * t)), tmp_path / "accuracy.tsv", "accuracy")
    for name in ("a", "b"):
        write_power(tmp_path / "accuracy.tsv", tmp_path / f"{name}.tsv", tmp_path / f"{name}c.tsv", {"t": "accuracy"})
    assert tuple(read_table(tmp_path / "a.tsv").columns) == COLUMNS["power"]
    assert tuple(read_table(tmp_path / "ac.tsv").columns) == COLUMNS["power_curves"]
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()

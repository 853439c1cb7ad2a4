"""Shapes: the two ways against independent fits, and their false alarms on simulated curves."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from support.accuracies import METRICS, STEPS, TOKENS_PER_STEP, grid, published
from trajectories.analysis.clustered import membership
from trajectories.analysis.model_choice import ModelChoice
from trajectories.analysis.shapes import FLAT, INVERSE, INVERTED_U, SHAPES, ShapeFinder, U, shapes_table, write_shapes
from trajectories.analysis.two_lines import TwoLinesTest
from trajectories.analysis.validation.shapes import TRUE, designs, false_alarm, rates
from trajectories.tables import COLUMNS, read_table, write_table

X = np.log10(np.array(STEPS, dtype=float) * TOKENS_PER_STEP)


def wave(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(0, 3, n)
    return x, np.sin(x) + 0.2 * np.random.default_rng(seed).normal(size=n)


def interrupted(x: np.ndarray, y: np.ndarray, at: float, **how: object) -> object:
    """Simonsohn's interrupted regression: two slopes and a jump."""
    high = x > at
    design = np.column_stack([np.ones_like(x), np.where(high, 0, x - at), np.where(high, x - at, 0), high])
    return sm.OLS(y, design).fit(**how)


def test_two_lines_are_the_interrupted_regression_at_the_chosen_break() -> None:
    x, y = wave(1)
    found = TwoLinesTest(x)(y[None, :])
    theirs = interrupted(x, y, found.split[0])
    assert [found.slope_before[0], found.slope_after[0]] == pytest.approx(list(theirs.params[1:3]))
    assert [found.p_before[0], found.p_after[0]] == pytest.approx(list(theirs.pvalues[1:3]))
    assert found.turns(0.05)[0] == -1


def test_clustered_two_lines_take_the_larger_standard_error() -> None:
    x, y = wave(2, 64)
    groups = np.arange(64) % 8
    found = TwoLinesTest(x, membership(groups))(y[None, :])
    plain = interrupted(x, y, found.split[0])
    clustered = interrupted(x, y, found.split[0], cov_type="cluster", cov_kwds={"groups": groups})
    t = np.minimum(np.abs(plain.tvalues[1:3]), np.abs(clustered.tvalues[1:3]))
    assert [found.p_before[0], found.p_after[0]] == pytest.approx(list(2 * stats.t.sf(t, 7)))


def test_the_break_is_put_near_the_turn() -> None:
    x = np.linspace(0, 1, 60)
    for turn in (0.3, 0.5, 0.7):
        y = -((x - turn) ** 2)[None, :] + 0.005 * np.random.default_rng(3).normal(size=(200, 60))
        splits = TwoLinesTest(x)(y).split
        assert np.median(splits) == pytest.approx(turn, abs=0.08)


def test_many_curves_at_once_are_the_same_as_one_at_a_time() -> None:
    test, choice = TwoLinesTest(X), ModelChoice(X)
    y = np.random.default_rng(5).normal(size=(20, 8))
    together, models = test(y), choice(y)
    for index in range(20):
        alone = test(y[index : index + 1])
        assert alone.p_before[0] == pytest.approx(together.p_before[index])
        assert alone.split[0] == together.split[index]
        assert choice(y[index : index + 1]).aicc[0] == pytest.approx(models.aicc[index])


def test_aicc_is_that_of_least_squares_fits() -> None:
    x, y = wave(6)
    found = ModelChoice(x)(y[None, :])
    n = len(x)
    for index, degree in ((0, 0), (1, 1), (3, 2)):
        fit = np.poly1d(np.polyfit(x, y, degree))
        k = degree + 2
        expected = n * np.log(np.mean((y - fit(x)) ** 2)) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
        assert found.aicc[0, index] == pytest.approx(expected)
    a, b, _ = np.polyfit(x, y, 2)
    assert found.turn[0] == pytest.approx(-b / (2 * a))


def test_a_parabola_that_turns_outside_the_data_is_no_candidate() -> None:
    x = np.linspace(0, 1, 20)
    assert np.isinf(ModelChoice(x)(((x + 0.5) ** 2)[None, :]).aicc[0, 3])


def test_isotonic_fit_pools_equal_x_and_picks_the_direction() -> None:
    choice = ModelChoice(np.array([0.0, 1, 1, 2, 3, 4, 5]))
    fit, levels = choice.monotone(np.array([9.0, 8, 6, 5, 6, 1, 0]))
    assert fit.tolist() == pytest.approx([9, 7, 7, 5.5, 5.5, 1, 0])
    assert levels == 5
    assert choice.monotone(np.arange(7.0))[1] == 6


def test_turning_point_is_found_with_an_interval_that_holds_it() -> None:
    finder = ShapeFinder(X, resamples=499)
    middle = float(X.mean())
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = 1 - 2 * (X - middle) ** 2 + 0.02 * rng.normal(size=8)
        found = finder(y, rng)
        assert (found.two_lines, found.aicc) == (INVERTED_U, INVERTED_U)
        held += found.turn_low <= middle <= found.turn_high
    assert 0.85 <= held / 60 <= 1.0


@pytest.mark.parametrize("design", designs()[:2], ids=lambda design: design.name)
@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_false_alarms_stay_at_5_percent(design: object, noise: float) -> None:
    runs = 400
    bound = 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)
    for name, (true, curve) in TRUE.items():
        for found in rates(design, curve, noise, runs, seed=2, resamples=99):  # type: ignore[arg-type]
            alarm = false_alarm(true, found)
            assert np.isnan(alarm) or alarm <= bound, (name, found)


def test_clear_shapes_are_found_by_both_ways() -> None:
    design = designs()[0]
    for name in ("line", "falling line", "plateau", "valley", "hill", "tent"):
        true, curve = TRUE[name]
        for found in rates(design, curve, 0.03, 100, seed=3, resamples=99):
            assert found[true] > 0.9, (name, found)


def test_published_12b_on_resisting_correction_turns(shared_data: Path) -> None:
    table = shapes_table(published(shared_data), {"isp_resisting_correction": "accuracy"}, serial=0.1)
    row = table[table["group"] == "pythia-12b"].iloc[0]
    assert (row["two_lines"], row["aicc"], row["agree"]) == (INVERTED_U, INVERTED_U, True)
    assert 16000 * TOKENS_PER_STEP * 0.5 < row["turn_low"] < row["turn"] < row["turn_high"] < 64000 * TOKENS_PER_STEP


def test_the_published_grid_has_17_curves_per_task(shared_data: Path) -> None:
    table = shapes_table(published(shared_data), METRICS, resamples=99)
    assert table.groupby("task").size().eq(17).all()
    assert table.groupby(["task", "axis"]).size().unstack().iloc[0].to_dict() == {
        "compute": 1, "parameters": 8, "tokens": 8,
    }  # fmt: skip
    known = table[table["reason"] == ""]
    assert set(known["two_lines"]) | set(known["aicc"]) <= set(SHAPES)
    assert known["turn"].notna().equals(known[["two_lines", "aicc"]].isin([U, INVERTED_U]).any(axis=1))


def test_what_cannot_be_shaped_says_why() -> None:
    data = pd.concat(
        [
            grid(lambda p, t: np.sin(5 * t), models=3).assign(task="few"),
            grid(lambda p, t: 0 * t).assign(task="flat"),
            grid(lambda p, t: np.sin(5 * t), steps=STEPS[:6]).assign(task="short"),
            grid(lambda p, t: np.sin(5 * t), models=1).assign(task="single"),
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = shapes_table(data, dict.fromkeys(["few", "flat", "short", "single", "none"], "accuracy"), resamples=49)
    reasons = table.set_index(["task", "axis"])["reason"]
    assert set(reasons.loc[[("few", "compute")]]) == {"fewer than 4 sizes"}
    assert set(reasons.loc[[("few", "parameters")]]) == {"too few points (3; 7 are needed)"}
    assert set(reasons.loc["flat"]) == {"the value never varies"}
    assert set(reasons.loc[[("short", "tokens")]]) == {"too few points (6; 7 are needed)"}
    assert set(table.loc[table["task"] == "single", "axis"]) == {"tokens", "parameters"}
    assert len(reasons.loc[[("few", "parameters")]]) == 1
    assert set(reasons.loc[[("few", "tokens")]]) == {""}


def test_along_the_loss_sizes_are_one_curve_and_turns_are_losses() -> None:
    """Accuracy is a function of the loss alone: it rises until that is 3.5 bits per byte, and falls after."""
    loss = grid(lambda p, t: 5 - 0.25 * (p - p.min()) - 0.8 * np.maximum(t - 8, 0), "text", steps=(0, *STEPS))
    loss = loss.assign(metric="bits_per_byte")
    noise = np.random.default_rng(2).normal(0, 0.01, len(loss))
    hill = loss.assign(task="hill", metric="accuracy", value=0.8 - 0.2 * (loss["value"] - 3.5) ** 2 + noise)
    fall = loss.assign(task="fall", metric="accuracy", value=0.1 * loss["value"] + noise)
    metrics = {"text": "bits_per_byte", "hill": "accuracy", "fall": "accuracy"}
    table = shapes_table(pd.concat([loss, hill, fall]), metrics, resamples=199, serial=0, text="text")
    along = table[table["axis"] == "loss"].set_index("task")
    assert along["group"].to_dict() == {"hill": "all", "fall": "all"}
    assert along["points"].tolist() == [len(loss)] * 2, "step 0 has a loss"
    assert along.loc["fall", ["two_lines", "aicc"]].tolist() == [INVERSE] * 2
    assert along.loc["hill", ["two_lines", "aicc"]].tolist() == [INVERTED_U] * 2
    assert along.loc["hill", "turn_low"] <= along.loc["hill", "turn"] <= along.loc["hill", "turn_high"]
    assert along.loc["hill", "turn"] == pytest.approx(3.5, abs=0.1)
    assert along.loc["hill", "slope_before"] > 0 > along.loc["hill", "slope_after"]
    without = shapes_table(pd.concat([loss, hill, fall]), metrics, resamples=199, serial=0)
    pd.testing.assert_frame_equal(without, table[table["axis"] != "loss"].reset_index(drop=True), check_dtype=False)


def test_a_loss_is_turned_over() -> None:
    loss = grid(lambda p, t: 3 + (t - t.mean()) ** 2 + 0.001 * p, task="t").assign(metric="loss")
    table = shapes_table(loss, {"t": "loss"}, resamples=99, serial=0)
    assert set(table.loc[table["axis"] == "tokens", "two_lines"]) == {INVERTED_U}


def test_points_below_chance_are_counted_curve_by_curve() -> None:
    dip = grid(lambda p, t: np.where(t < t.min() + 1, 0.15, 0.3) + 0 * p, task="t", steps=STEPS, stderr=0.01)
    metrics = {"t": "accuracy"}
    marked = shapes_table(dip, metrics, resamples=19, serial=0, chance={"t": 0.25}).set_index(["axis", "group"])
    early = int((np.log10(STEPS) < np.log10(STEPS[0]) + 1).sum())
    assert marked.loc[("tokens", "pythia-70m"), "below_chance"] == early
    assert marked.loc[("compute", "all"), "below_chance"] == 8 * early
    assert marked.loc[("parameters", f"step{STEPS[-1]}"), "below_chance"] == 0
    assert shapes_table(dip, metrics, resamples=19, serial=0)["below_chance"].isna().all()


def test_unbalanced_grids_and_written_columns(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(size=64)
    write_table(grid(lambda p, t: noise).drop([0, 9, 33]), tmp_path / "accuracy.tsv", "accuracy")
    for name in ("a", "b"):
        write_shapes(tmp_path / "accuracy.tsv", tmp_path / f"{name}.tsv", {"t": "accuracy"}, seed=4, resamples=99)
    table = read_table(tmp_path / "a.tsv")
    assert tuple(table.columns) == COLUMNS["shapes"]
    assert table.loc[table["axis"] == "compute", "points"].tolist() == [61]
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()
    assert FLAT in set(table["two_lines"])


def test_another_task_does_not_change_a_tasks_numbers() -> None:
    noise = np.random.default_rng(1).normal(size=64)
    one, two = (grid(lambda p, t: noise, task=task) for task in ("t", "u"))
    alone = shapes_table(one, {"t": "accuracy"}, resamples=99, serial=0.3)
    after = shapes_table(pd.concat([two, one]), {"u": "accuracy", "t": "accuracy"}, resamples=99, serial=0.3)
    pd.testing.assert_frame_equal(alone, after[after["task"] == "t"].reset_index(drop=True))

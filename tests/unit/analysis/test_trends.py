"""Trends and slopes against statsmodels and scipy, drops on hand-worked trajectories, the paper's sentence."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from support.accuracies import METRICS, STEPS, grid, published
from trajectories.analysis.trends import RULES, declines_table, trends_table, write_trends
from trajectories.tables import COLUMNS, read_table, write_table

EIGHT = (
    "isp_hindsight_neglect, isp_memo_trap, isp_pattern_matching_suppression, isp_redefine, "
    "isp_repetitive_algebra, isp_resisting_correction, truthfulqa_mc1, truthfulqa_mc2"
)


def test_the_line_is_statsmodels_generalised_least_squares() -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, 64)
    table = trends_table(grid(lambda p, t: 0.5 + noise), {"t": "accuracy"}, serial=0.6).set_index("model")
    covariance = 0.6 ** np.abs(np.subtract.outer(np.arange(8), np.arange(8)))
    for model, rows in grid(lambda p, t: 0.5 + noise).groupby("model"):
        x = sm.add_constant(np.log10(rows["tokens"].to_numpy(float)))
        theirs = sm.GLS(rows["value"].to_numpy(), x, covariance).fit()
        ours = table.loc[str(model)]
        assert (ours["trend"], ours["p"]) == (pytest.approx(theirs.params[1]), pytest.approx(theirs.pvalues[1]))
        assert [ours["trend_low"], ours["trend_high"]] == pytest.approx(theirs.conf_int()[1].tolist())


def test_without_dependence_it_is_the_ordinary_regression_and_tau_is_kendalls() -> None:
    values = np.random.default_rng(1).normal(size=64)
    data = grid(lambda p, t: values)
    table = trends_table(data, {"t": "accuracy"}, serial=0).set_index("model")
    for model, rows in data.groupby("model"):
        theirs = stats.linregress(np.log10(rows["tokens"].to_numpy(float)), rows["value"])
        assert table.loc[str(model), "p"] == pytest.approx(theirs.pvalue)
        assert table.loc[str(model), "tau"] == pytest.approx(stats.kendalltau(range(8), rows["value"]).statistic)


def test_a_flat_trajectory_has_no_trend_and_no_drop() -> None:
    row = trends_table(grid(lambda p, t: 0.5 + 0 * t), {"t": "accuracy"}).iloc[0]
    assert (row["tau"], row["p"], row["drop"], row["drop_p"], row["finding"]) == (0.0, 1.0, 0.0, 1.0, "not significant")


def test_a_finding_says_on_which_correlation_it_rests() -> None:
    noise = np.random.default_rng(8)
    data = pd.concat(
        [
            grid(lambda p, t: 1 - 0.5 * t + noise.normal(0, 1e-3, len(t)), "clear"),
            grid(lambda p, t: 0.01 * t + noise.normal(0, 0.02, len(t)), "weak", steps=tuple(range(1000, 60001, 1000))),
        ]
    )
    metrics = dict.fromkeys(["clear", "weak"], "accuracy")
    table = trends_table(data, metrics, serial=0.2)
    assert set(table.loc[table["task"] == "clear", "finding"]) == {
        "falls, even if noise of neighbouring checkpoints correlates by 0.95"
    }
    for row in table[table["task"] == "weak"].itertuples():
        at_limit = trends_table(data, metrics, serial=row.serial_limit) if np.isfinite(row.serial_limit) else None
        if row.p_fdr < 0.05:
            assert row.finding.startswith("rises, unless") or row.serial_limit == 0.95
            assert row.serial_limit >= 0.2
        elif at_limit is not None:
            assert row.finding.startswith("not significant; rises if")
            assert at_limit.loc[row.Index, "p_fdr"] < 0.05


def test_slope_is_per_tenfold_tokens() -> None:
    row = trends_table(grid(lambda p, t: 1.0 - 0.07 * t), {"t": "accuracy"}).iloc[0]
    assert row["slope"] == pytest.approx(-0.07)
    assert (row["tau"], row["best_step"], row["last_step"]) == (pytest.approx(-1), 2000, 143000)
    assert row["drop"] == pytest.approx(0.07 * np.log10(143000 / 2000))
    assert row["drop_stderr"] == pytest.approx(0.01 * np.sqrt(2))


def test_slope_is_the_median_of_pairwise_slopes() -> None:
    noise = np.random.default_rng(4).normal(0, 0.1, 64)
    data = grid(lambda p, t: 0.5 + noise)
    table = trends_table(data, {"t": "accuracy"})
    for model, rows in data.groupby("model"):
        points = list(zip(np.log10(rows["tokens"]), rows["value"], strict=True))
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(points, 2)]
        assert table.set_index("model").loc[model, "slope"] == pytest.approx(np.median(slopes))


def test_a_loss_falls_from_its_lowest_value() -> None:
    data = grid(lambda p, t: 1.0 + 0.07 * t).assign(metric="loss")
    trends = trends_table(data, {"t": "loss"})
    assert (trends["drop"] > 0).all()
    assert set(declines_table(trends)["count"]) == {1}


def test_the_papers_sentence_12b_declines_on_8_tasks(shared_data: Path) -> None:
    declines = declines_table(trends_table(published(shared_data), METRICS))
    of_12b = declines[declines["model"] == "pythia-12b"].set_index("rule")
    assert list(of_12b.index) == list(RULES)
    for rule in ("last below first", "last below best beyond questions, corrected p", "negative Theil-Sen slope"):
        assert of_12b.loc[rule, "tasks"] == EIGHT
    assert of_12b["count"].tolist() == [10, 8, 8, 3, 8, 4, 4]


def test_few_points_and_missing_errors_are_said_so() -> None:
    short = trends_table(grid(lambda p, t: -t, steps=(1, 2, 4), models=1), {"t": "accuracy"}).iloc[0]
    assert short["reason"] == "too few points (3; 4 are needed)"
    assert np.isnan(short["p"])
    assert short["finding"] == "too few steps"
    assert short["drop"] > 0
    unknown = trends_table(grid(lambda p, t: -t, models=1, stderr=np.nan), {"t": "accuracy"}).iloc[0]
    assert np.isnan(unknown["drop_p"])
    assert trends_table(grid(lambda p, t: -t), {"absent": "accuracy"}).empty


def test_step_0_counts_for_ranks_but_not_for_slopes() -> None:
    data = grid(lambda p, t: np.where(t < 1, 0.0, 1 - 0.05 * t), steps=(0, *STEPS), models=1)
    row = trends_table(data, {"t": "accuracy"}).iloc[0]
    assert row["points"] == 9
    assert row["tau"] == pytest.approx((8 - 28) / 36)
    assert row["slope"] == pytest.approx(-0.05)


def test_written_tables_have_the_documented_columns(tmp_path: Path) -> None:
    write_table(grid(lambda p, t: -t), tmp_path / "accuracy.tsv", "accuracy")
    write_trends(tmp_path / "accuracy.tsv", tmp_path / "trends.tsv", tmp_path / "declines.tsv", {"t": "accuracy"})
    assert tuple(read_table(tmp_path / "trends.tsv").columns) == COLUMNS["trends"]
    declines = read_table(tmp_path / "declines.tsv")
    assert tuple(declines.columns) == COLUMNS["declines"]
    assert isinstance(declines, pd.DataFrame)
    assert len(declines) == 8 * len(RULES)

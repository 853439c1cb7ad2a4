"""Rank trends, slopes and drops against enumeration, scipy, simulation and hand-worked trajectories."""

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from support.accuracies import METRICS, STEPS, grid, published
from trajectories.analysis.kendall import exact_p, inversion_counts, rank_trend
from trajectories.analysis.trends import RULES, declines_table, drop_p, trends_table, write_trends
from trajectories.tables import COLUMNS, read_table, write_table

EIGHT = (
    "isp_hindsight_neglect, isp_memo_trap, isp_pattern_matching_suppression, isp_redefine, "
    "isp_repetitive_algebra, isp_resisting_correction, truthfulqa_mc1, truthfulqa_mc2"
)


def inversions(order: tuple[int, ...]) -> int:
    return sum(a > b for a, b in itertools.combinations(order, 2))


@pytest.mark.parametrize("values", [(1, 2, 3, 4, 5), (1, 1, 2, 3, 3, 3), (1, 1, 1, 2), (0, 0, 1, 1, 2, 2, 5)])
def test_inversions_of_a_multiset_are_those_of_all_its_orders(values: tuple[int, ...]) -> None:
    counted = Counter(inversions(order) for order in set(itertools.permutations(values)))
    ties = tuple(sorted(Counter(values).values()))
    assert inversion_counts(ties) == tuple(counted[k] for k in range(max(counted) + 1))


def test_exact_p_with_ties_is_the_share_of_orders_at_least_as_extreme() -> None:
    values = (0.3, 0.3, 0.5, 0.7, 0.7, 0.9)

    def score(order: tuple[float, ...]) -> int:
        return int(sum(np.sign(b - a) for a, b in itertools.combinations(order, 2)))

    everything = [score(order) for order in itertools.permutations(values)]
    for observed in set(everything):
        share = np.mean([abs(s) >= abs(observed) for s in everything])
        assert exact_p(observed, (1, 1, 2, 2)) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scipy_where_scipy_is_exact(seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=9 + seed)
    theirs = stats.kendalltau(np.arange(len(values)), values, method="exact")
    ours = rank_trend(values)
    assert ours.method == "exact"
    assert (ours.tau, ours.p) == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue))


def test_long_trajectories_use_the_normal_distribution_close_to_the_exact_one() -> None:
    values = np.random.default_rng(1).integers(0, 30, 154) + np.arange(154) / 30
    found = rank_trend(values)
    assert found.method == "normal"
    assert found.p == pytest.approx(stats.kendalltau(np.arange(154), values).pvalue, rel=0.05)


def test_a_flat_trajectory_has_no_trend() -> None:
    assert (rank_trend([0.5] * 8).tau, rank_trend([0.5] * 8).p) == (0.0, 1.0)


def test_p_is_uniform_under_the_null() -> None:
    rng = np.random.default_rng(11)
    p = np.array([rank_trend(rng.normal(size=8)).p for _ in range(4000)])
    for level in (0.01, 0.05, 0.1, 0.25, 0.5):
        # The statistic is discrete: P(p <= level) is the largest attainable p-value not above the level.
        attainable = max((q for q in {exact_p(s, (1,) * 8) for s in range(0, 29, 2)} if q <= level), default=0.0)
        assert np.mean(p <= level) == pytest.approx(attainable, abs=3 * np.sqrt(level / 4000))


def test_slope_is_per_tenfold_tokens() -> None:
    row = trends_table(grid(lambda p, t: 1.0 - 0.07 * t), {"t": "accuracy"}).iloc[0]
    assert row["slope"] == pytest.approx(-0.07)
    assert (row["tau"], row["best_step"], row["last_step"]) == (-1.0, 2000, 143000)
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


def test_no_drop_is_claimed_of_flat_trajectories() -> None:
    """The best of many checkpoints is picked after the fact; the corrected p-value must allow for that."""
    rng = np.random.default_rng(7)
    values = rng.normal(0.5, 0.01, (4000, 8))
    drops = values.max(axis=1) - values[:, -1]
    p = np.array([drop_p(drop, 0.01 * np.sqrt(2), 7) for drop in drops])
    naive = np.array([drop_p(drop, 0.01 * np.sqrt(2), 1) for drop in drops])
    assert np.mean(p < 0.05) <= 0.05
    assert np.mean(naive < 0.05) > 0.10


def test_drop_p_by_hand() -> None:
    assert drop_p(0.0, 0.01, 7) == 1.0
    assert drop_p(1.96, 1.0, 1) == pytest.approx(0.025, abs=1e-4)
    assert drop_p(1.96, 1.0, 7) == pytest.approx(0.175, abs=1e-3)
    assert np.isnan(drop_p(0.1, np.nan, 7))


def test_the_papers_sentence_12b_declines_on_8_tasks(shared_data: Path) -> None:
    declines = declines_table(trends_table(published(shared_data), METRICS))
    of_12b = declines[declines["model"] == "pythia-12b"].set_index("rule")
    assert list(of_12b.index) == list(RULES)
    for rule in ("last below first", "last below best, corrected p", "negative Theil-Sen slope"):
        assert of_12b.loc[rule, "tasks"] == EIGHT
    assert of_12b["count"].tolist() == [10, 8, 8, 8, 4, 4, 2]


def test_few_points_and_missing_errors_are_said_so() -> None:
    short = trends_table(grid(lambda p, t: -t, steps=(1, 2, 4), models=1), {"t": "accuracy"}).iloc[0]
    assert short["reason"] == "too few points (3; 4 are needed)"
    assert np.isnan(short["p"])
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

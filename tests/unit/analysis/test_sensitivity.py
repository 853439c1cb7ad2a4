"""Every check of Table 1's cells against an independent route, and the resampling p-values under the null."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from support.accuracies import METRICS, grid, published
from trajectories.analysis.checks import REFITS, Setting, empirical_logit
from trajectories.analysis.clustered import WEBB, cluster_t, membership, wild_cluster_p
from trajectories.analysis.parameters import PYTHIA, ParameterCounts, given_counts
from trajectories.analysis.points import task_points
from trajectories.analysis.regression import regression_table
from trajectories.analysis.sensitivity import (
    CHECKS,
    sensitivity_table,
    survival_table,
)
from trajectories.analysis.terms import TERMS, design_matrix, zscore

QUICK = Setting(resamples=199, seed=3)


def correlated(seed: int, models: int = 8, intercept: float = 1.0, slope: float = 0.6) -> pd.DataFrame:
    """Trajectories with a level and a token slope of their own per model: nothing to find, much to be fooled by."""
    rng = np.random.default_rng(seed)
    data = grid(lambda p, t: rng.normal(size=len(t)), models=models)
    member = membership(data["model"])
    tokens = design_matrix(data)[:, 2]
    levels, slopes = intercept * rng.normal(size=models), slope * rng.normal(size=models)
    return data.assign(value=0.5 + 0.02 * (data["value"] + member @ levels + tokens * (member @ slopes)))


def parts(data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points = task_points(data, "t", "accuracy")
    return zscore(points["value"].to_numpy(float)), design_matrix(points), membership(points["model"])


def test_hc3_is_the_sandwich_with_leverages() -> None:
    data = correlated(1)
    y, x, _ = parts(data)
    inverse = np.linalg.inv(x.T @ x)
    residual = y - x @ inverse @ x.T @ y
    leverage = np.diag(x @ inverse @ x.T)
    meat = x.T @ np.diag((residual / (1 - leverage)) ** 2) @ x
    expected = np.sqrt(np.diag(inverse @ meat @ inverse))[1:]
    found = REFITS["hc3"](task_points(data, "t", "accuracy"), QUICK)
    assert [row["stderr"] for row in found] == pytest.approx(list(expected))


def test_cluster_robust_t_is_statsmodels_one_and_has_few_degrees_of_freedom() -> None:
    data = correlated(2).drop([5, 6, 30])
    y, x, member = parts(data)
    theirs = sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": member.argmax(axis=1)})
    ours = [cluster_t(y[None, :], x, member, term)[0] for term in range(4)]
    assert ours == pytest.approx(list(theirs.tvalues))
    rows = REFITS["cluster"](task_points(data, "t", "accuracy"), QUICK)
    assert [row["df"] for row in rows] == [7, 7, 7]
    assert rows[2]["p"] == pytest.approx(2 * stats.t.sf(abs(ours[3]), 7))


def test_wild_cluster_bootstrap_equals_a_loop_of_fits() -> None:
    y, x, member = parts(correlated(3))
    groups = member.argmax(axis=1)
    weights = np.random.default_rng(8).choice(WEBB, (60, 8))
    restricted = sm.OLS(y, np.delete(x, 3, axis=1)).fit()

    def t_of(sample: np.ndarray) -> float:
        return abs(sm.OLS(sample, x).fit(cov_type="cluster", cov_kwds={"groups": groups}).tvalues[3])

    extreme = [t_of(restricted.fittedvalues + restricted.resid * w[groups]) >= t_of(y) for w in weights]
    expected = max((1 + sum(extreme)) / 61, 2 * stats.t.sf(t_of(y), 7))
    assert wild_cluster_p(y, x, member, 3, 60, np.random.default_rng(8)) == pytest.approx(expected)


def test_webb_weights_have_mean_0_and_variance_1() -> None:
    assert WEBB.mean() == pytest.approx(0)
    assert WEBB.var() == pytest.approx(1)
    assert len(set(WEBB)) == 6


def test_mixed_model_of_a_balanced_grid_is_the_regression_of_slopes_on_size() -> None:
    """With every model at the same steps, the summary-measures analysis and the mixed model coincide."""
    data = correlated(4)
    points = task_points(data, "t", "accuracy")
    y, x, member = parts(data)
    slopes, levels, sizes = [], [], []
    for index in range(8):
        rows = member[:, index] == 1
        slope, level = np.polyfit(x[rows, 2], y[rows], 1)
        slopes.append(slope)
        levels.append(level)
        sizes.append(x[rows, 1][0])
    second = sm.OLS(slopes, sm.add_constant(sizes)).fit()
    first = sm.OLS(levels, sm.add_constant(sizes)).fit()
    rows = REFITS["mixed"](points, QUICK)
    expected = [first.tvalues[1], second.tvalues[0], second.tvalues[1]]
    assert [row["t"] for row in rows] == pytest.approx(expected, rel=0.01)
    assert [row["p"] for row in rows] == pytest.approx([first.pvalues[1], *second.pvalues], rel=0.03)
    assert {row["note"] for row in rows} == {""}


def test_leave_one_out_ranges_are_those_of_the_refits() -> None:
    data = pd.concat([correlated(6), correlated(7).assign(task="u")])
    metrics = {"t": "accuracy", "u": "accuracy"}
    table = sensitivity_table(data, metrics, QUICK).set_index(["task", "term", "check"])
    for check, unit in (("leave_size_out", "model"), ("leave_step_out", "step")):
        refits = [regression_table(data[data[unit] != left], metrics) for left in data[unit].unique()]
        for task, term in itertools.product(metrics, TERMS):
            rows = [refit[(refit.task == task) & (refit.term == term)].iloc[0] for refit in refits]
            found = table.loc[(task, term, check)]
            assert found["t_low"] == pytest.approx(min(row["t"] for row in rows))
            assert found["t_high"] == pytest.approx(max(row["t"] for row in rows))
            assert found["p_fdr"] == pytest.approx(max(row["p_fdr"] for row in rows))


@pytest.mark.parametrize("model", list(PYTHIA))
def test_pythia_sizes_are_those_of_its_architecture(model: str) -> None:
    """Count again on the meta device, which holds shapes but no weights."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    layers, width, heads, vocabulary = {
        "pythia-70m": (6, 512, 8, 50304), "pythia-160m": (12, 768, 12, 50304),
        "pythia-410m": (24, 1024, 16, 50304), "pythia-1b": (16, 2048, 8, 50304),
        "pythia-1.4b": (24, 2048, 16, 50304), "pythia-2.8b": (32, 2560, 32, 50304),
        "pythia-6.9b": (32, 4096, 32, 50432), "pythia-12b": (36, 5120, 40, 50688),
    }[model]  # fmt: skip
    config = GPTNeoXConfig(
        num_hidden_layers=layers, hidden_size=width, num_attention_heads=heads, intermediate_size=4 * width,
        vocab_size=vocabulary, tie_word_embeddings=False,
    )  # fmt: skip
    with torch.device("meta"):
        network = GPTNeoXForCausalLM(config)
    embedding = sum(part.weight.numel() for part in (network.get_input_embeddings(), network.get_output_embeddings()))
    assert PYTHIA[model] == ParameterCounts(sum(p.numel() for p in network.parameters()), embedding)


def test_real_sizes_change_the_fit_and_may_be_given() -> None:
    data = correlated(8)
    exact = data.assign(parameters=data["model"].map({name: count.exact for name, count in PYTHIA.items()}))
    expected = regression_table(exact, {"t": "accuracy"})
    table = sensitivity_table(data, {"t": "accuracy"}, QUICK)
    assert table.loc[table["check"] == "exact_parameters", "t"].tolist() == pytest.approx(expected["t"].tolist())
    own = data.assign(model=data["model"].str.replace("pythia", "own"))
    reasons = sensitivity_table(own, {"t": "accuracy"}, QUICK).set_index("check")["reason"]
    assert set(reasons["body_parameters"]) == {"the real size of own-70m is not known"}
    sizes = own.groupby("model")["parameters"].first()
    counts = {str(name): ParameterCounts(int(size), int(size) // 10) for name, size in sizes.items()}
    given = sensitivity_table(own, {"t": "accuracy"}, Setting(199, 3, counts)).set_index("check")
    assert given.loc["exact_parameters", "t"].tolist() == pytest.approx(given.loc["paper", "t"].tolist())


def test_logit_moves_0_and_1_in_by_half_a_question() -> None:
    points = pd.DataFrame({"value": [0.0, 0.25, 1.0], "stderr": [0.0, 0.05, 0.0], "questions": [100, 100, 100]})
    assert empirical_logit(points) == pytest.approx([np.log(0.005 / 0.995), np.log(1 / 3), np.log(0.995 / 0.005)])
    inferred = points.assign(questions=np.nan, stderr=[0.0, np.sqrt(0.25 * 0.75 / 99), 0.0])
    assert empirical_logit(inferred) == pytest.approx(empirical_logit(points))


def test_a_continuous_metric_is_compared_better_side_up() -> None:
    data = correlated(9)
    loss = data.assign(metric="loss", value=3 - 2 * data["value"])
    margin = data.assign(metric="margin", value=5 * data["value"])
    table = sensitivity_table(pd.concat([data, loss, margin]), {"t": "accuracy"}, QUICK).set_index("check")
    for check in ("loss", "margin"):
        assert table.loc[check, "t"].tolist() == pytest.approx(table.loc["paper", "t"].tolist())
        assert set(table.loc[check, "verdict"]) <= {"holds", "nowhere significant"}


def test_what_survives_in_the_published_table(shared_data: Path) -> None:
    table = survival_table(sensitivity_table(published(shared_data), METRICS, Setting()))
    assert len(table) == 36
    cells = table.set_index(["task", "term"])
    kept = cells[cells["verdict"] == "holds"]
    assert set(kept.index) == {
        ("isp_memo_trap", "parameters"),
        ("isp_memo_trap", "tokens"),
        ("isp_memo_trap", "interaction"),
        ("isp_pattern_matching_suppression", "tokens"),
        ("isp_pattern_matching_suppression", "interaction"),
        ("isp_resisting_correction", "tokens"),
        ("truthfulqa_mc1", "parameters"),
        ("truthfulqa_mc1", "tokens"),
        ("truthfulqa_mc2", "parameters"),
        ("truthfulqa_mc2", "tokens"),
        ("truthfulqa_mc2", "interaction"),
    }
    assert (kept["held"] == kept["checked"]).all()
    assert set(cells.loc["isp_neqa", "verdict"]) == {"constant answers"}  # 35 of 64 values are 137 of 300
    others = cells.drop("isp_neqa")
    assert set(others.loc[others["p_fdr"] < 0.05, "verdict"]) == {"holds", "lost"}
    assert set(others.loc[others["p_fdr"] >= 0.05, "verdict"]) == {"not significant"}
    for task in ("isp_hindsight_neglect", "isp_neqa", "truthfulqa_mc1"):
        for check in ("cr2", "mixed", "wild_bootstrap", "permutation", "leave_size_out"):
            assert cells.loc[(task, "interaction"), check] == "lost"
    assert set(table["loss"]) == {"NA"}
    assert set(table["checked"]) <= {11, 12}


def test_few_models_and_degenerate_tasks_have_reasons() -> None:
    data = pd.concat([correlated(1).query("parameters < 5e8"), grid(lambda p, t: 0 * t).assign(task="flat")])
    table = sensitivity_table(data, {"t": "accuracy", "flat": "accuracy", "none": "accuracy"}, QUICK)
    reasons = table.set_index(["task", "check"])["reason"]
    assert set(reasons["t", "wild_bootstrap"]) == {"fewer than 6 sizes with several steps (3)"}
    assert set(reasons["t", "cr2"]) == {"fewer than 4 sizes with several steps (3)"}
    assert set(reasons["flat", "hc3"]) == {"the value never varies"}
    assert set(reasons["none", "logit"]) == {"no values"}
    assert len(table) == 3 * 3 * (1 + len(CHECKS))
    assert set(survival_table(table).set_index("task").loc["flat", "checked"]) == {0}


def test_counts_from_a_config_need_both_numbers() -> None:
    given = given_counts({"a": [110, 10], "b": [110, None], "c": [None, None]})
    assert given == {"a": ParameterCounts(110, 10)}
    assert given["a"].body == 100


def test_a_permutation_test_that_cannot_reject_gives_no_verdict() -> None:
    table = sensitivity_table(correlated(1, models=5), {"t": "accuracy"}, QUICK)
    rows = table[table["check"] == "permutation"].set_index("term")
    assert rows.loc["tokens", "reason"] == "with 5 sizes no p below 0.0625 is possible"
    assert rows.loc["tokens", "verdict"] == ""
    assert rows.loc[["parameters", "interaction"], "p"].notna().all()

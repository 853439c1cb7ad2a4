"""The paper's regression, against least squares by hand and the published table."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from support.accuracies import LABELS, METRICS, STEPS, grid, published
from trajectories.analysis.regression import regression_table, write_regression
from trajectories.analysis.table1 import cell, markdown, rounded, table1, write_table1
from trajectories.analysis.terms import TERMS
from trajectories.errors import UserError
from trajectories.tables import COLUMNS, read_table, write_table

# (t, p) of parameters, tokens, interaction as the paper prints them; 0.0 stands for p<0.001.
PAPER = {
    "Hindsight Neglect": ((-4.22, 0.0), (-4.69, 0.0), (-2.88, 0.012)),
    "Into the Unknown": ((-0.31, 0.824), (2.04, 0.079), (0.02, 0.986)),
    "Memo Trap": ((-10.05, 0.0), (-11.34, 0.0), (-9.71, 0.0)),
    "Modus Tollens": ((-0.16, 0.927), (-2.13, 0.071), (-1.5, 0.208)),
    "NeQA": ((0.79, 0.559), (-0.08, 0.963), (2.45, 0.034)),
    "Pattern Match Suppression": ((-3.2, 0.005), (-9.58, 0.0), (-6.37, 0.0)),
    "Redefine": ((0.6, 0.645), (-0.79, 0.559), (-1.53, 0.205)),
    "Repetitive Algebra": ((-0.49, 0.706), (-2.11, 0.071), (-1.0, 0.443)),
    "Resisting Correction": ((5.13, 0.0), (5.63, 0.0), (-1.89, 0.104)),
    "Sig Figs": ((-0.59, 0.645), (-0.74, 0.574), (-1.46, 0.215)),
    "TruthfulQA-MC1": ((-10.9, 0.0), (-11.45, 0.0), (-2.97, 0.01)),
    "TruthfulQA-MC2": ((-24.72, 0.0), (-23.89, 0.0), (-12.02, 0.0)),
}


def test_all_36_cells_are_the_papers(shared_data: Path) -> None:
    table = table1(regression_table(published(shared_data), METRICS), LABELS).set_index("label")
    assert list(table.index) == list(PAPER)
    for label, cells in PAPER.items():
        for term, (t, p) in zip(TERMS, cells, strict=True):
            expected = f"t(60)={t:g}, p<0.001" if p == 0.0 else f"t(60)={t:g}, p={p:g}"
            assert table.loc[label, term] == expected, (label, term)


def test_the_papers_file_has_the_same_cells(shared_data: Path) -> None:
    table = table1(regression_table(published(shared_data), METRICS), LABELS)
    theirs = pd.read_csv(shared_data / "published" / "statistical_tests.tsv", sep="\t")
    assert table[["label", *TERMS]].to_numpy().tolist() == theirs.to_numpy().tolist()


def noisy(seed: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def value(parameters: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        noise = np.random.default_rng(seed).normal(0, 0.02, len(tokens))
        return 0.5 + 0.02 * parameters - 0.03 * tokens + noise

    return value


def test_equals_the_normal_equations() -> None:
    data = grid(noisy(3))
    row = regression_table(data, {"t": "accuracy"}).set_index("term")

    def z(x: np.ndarray) -> np.ndarray:
        return (x - np.mean(x)) / np.sqrt(np.sum((x - np.mean(x)) ** 2) / (len(x) - 1))

    p, t, y = z(np.log10(data["parameters"])), z(np.log10(data["tokens"])), z(data["value"].to_numpy())
    x = np.stack([np.ones(64), p, t, p * t], axis=1)
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    residual = y - x @ beta
    stderr = np.sqrt(np.diag(inverse) * (residual @ residual) / 60)
    for index, term in enumerate(TERMS, start=1):
        assert row.loc[term, "beta"] == pytest.approx(beta[index], abs=1e-12)
        assert row.loc[term, "stderr"] == pytest.approx(stderr[index], abs=1e-12)
        tail = 2 * stats.t.sf(abs(beta[index] / stderr[index]), 60)
        assert row.loc[term, "p"] == pytest.approx(tail, rel=1e-9)
    assert row["r_squared"].iloc[0] == pytest.approx(1 - residual @ residual / (y @ y))
    assert set(row["df"]) == {60}
    assert set(row["points"]) == {64}


def test_all_slopes_are_corrected_together_and_missing_ones_do_not_count() -> None:
    data = pd.concat([grid(noisy(seed), f"t{seed}") for seed in range(4)] + [grid(lambda p, t: 0 * t + 0.5, "flat")])
    table = regression_table(data, dict.fromkeys(["t0", "flat", "t1", "t2", "t3"], "accuracy"))
    p = table["p"].dropna().sort_values()
    assert len(p) == 12
    by_hand = (p * 12 / np.arange(1, 13))[::-1].cummin()[::-1].clip(upper=1)
    assert np.allclose(table.loc[p.index, "p_fdr"], by_hand)
    assert table.loc[table.task == "flat", "p_fdr"].isna().all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (grid(lambda p, t: 0 * t + 0.25), "the value never varies"),
        (grid(noisy(1), models=1), "one model only"),
        (grid(noisy(1), steps=(2000,)), "one step only"),
        (grid(noisy(1), models=2, steps=(1000, 2000)), "too few points (4; 6 are needed)"),
        (grid(noisy(1), task="another"), "no values"),
        (grid(noisy(1)).assign(value=np.nan), "no values"),
        (grid(noisy(1)).assign(parameters=7e7), "all models have the same number of parameters"),
        (grid(noisy(1)).iloc[::9], "parameters and tokens do not vary independently"),
        (grid(lambda p, t: p + t), "the fit leaves no residual"),
    ],
)
def test_degenerate_input_gets_a_reason_and_a_warning(
    data: pd.DataFrame, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    if reason == "parameters and tokens do not vary independently":
        data = data.assign(tokens=data["parameters"] * 10)
    table = regression_table(data, {"t": "accuracy"})
    assert list(table["term"]) == list(TERMS)
    assert set(table["reason"]) == {reason}
    assert table[["beta", "stderr", "t", "p", "p_fdr"]].isna().all(axis=None)
    assert reason in caplog.text
    printed = table1(table, {})
    assert set(printed[list(TERMS)].iloc[0]) == {"NA"}
    assert f"t: no result, {reason}." in markdown(printed)


def test_step_0_has_no_place_on_the_log_axis() -> None:
    with_zero = grid(noisy(5), steps=(0, *STEPS))
    without = with_zero[with_zero["step"] > 0]
    pd.testing.assert_frame_equal(
        regression_table(with_zero, {"t": "accuracy"}), regression_table(without, {"t": "accuracy"})
    )


def test_an_unbalanced_grid_is_fitted_on_what_is_there() -> None:
    table = regression_table(grid(noisy(5)).drop([3, 17, 40]), {"t": "accuracy"})
    assert set(table["points"]) == {61}
    assert set(table["df"]) == {57}


def test_a_checkpoint_given_twice_is_an_error() -> None:
    data = grid(noisy(1))
    with pytest.raises(UserError, match=r"step 2000, t \(accuracy\) is there twice"):
        regression_table(pd.concat([data, data.head(1)]), {"t": "accuracy"})


@pytest.mark.parametrize(("value", "text"), [(-1.5, "-1.5"), (60.0, "60"), (-0.001, "0"), (-12.019, "-12.02")])
def test_numbers_have_no_trailing_zeros(value: float, text: str) -> None:
    assert rounded(value, 2) == text


def test_cells() -> None:
    assert cell(-4.2199, 60, 0.00099) == "t(60)=-4.22, p<0.001"
    assert cell(2.0, 57, 0.01) == "t(57)=2, p=0.01"
    assert cell(np.nan, np.nan, np.nan) == "NA"


def test_the_written_files_hold_the_documented_columns(tmp_path: Path) -> None:
    write_table(grid(noisy(2)), tmp_path / "accuracy.tsv", "accuracy")
    write_regression(tmp_path / "accuracy.tsv", tmp_path / "regression.tsv", {"t": "accuracy"})
    write_table1(tmp_path / "regression.tsv", tmp_path / "table1.tsv", tmp_path / "table1.md", {"t": "A Task"})
    regression = read_table(tmp_path / "regression.tsv", "regression")
    assert tuple(regression.columns) == COLUMNS["regression"]
    pd.testing.assert_frame_equal(regression, regression_table(grid(noisy(2)), {"t": "accuracy"}), check_dtype=False)
    assert tuple(read_table(tmp_path / "table1.tsv").columns) == COLUMNS["table1"]
    assert (tmp_path / "table1.md").read_text().startswith("| Task | Parameters | Tokens | Interaction |\n| --- ")
    assert "| A Task | t(60)=" in (tmp_path / "table1.md").read_text()


def test_missing_values_are_counted_in_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    data = grid(noisy(5))
    data.loc[[3, 17], "value"] = np.nan
    table = regression_table(data, {"t": "accuracy"})
    assert set(table["points"]) == {62}
    assert caplog.text.count("t (accuracy): 2 of 64 values are missing") == 1

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from trajectories.analysis.compare import compare_table, summary_table, write_compare
from trajectories.errors import UserError
from trajectories.tables import COLUMNS, read_table, write_table

METRICS = {"memo": "accuracy", "truth": "mc1"}
CELLS = [
    (model, parameters, step, task, metric)
    for model, parameters in (("large", 9000), ("small", 10))
    for step in (1, 10, 100)
    for task, metric in METRICS.items()
]


TABLE = pd.DataFrame(CELLS, columns=["model", "parameters", "step", "task", "metric"])


def accuracy(values: np.ndarray | float, stderr: float = 0.01) -> pd.DataFrame:
    return TABLE.assign(tokens=TABLE["step"] * 1000, value=values, stderr=stderr, questions=100)


def test_identical_tables_replicate() -> None:
    compared = compare_table(accuracy(0.5), accuracy(0.5), METRICS, 0.05)
    assert set(compared["verdict"]) == {"identical"}
    assert compared["p"].tolist() == [1.0] * 12
    assert set(summary_table(compared, 0.05)["verdict"]) == {"identical"}


def test_one_cell_that_differs_is_named() -> None:
    values = np.full(12, 0.5)
    values[3] = 0.6
    compared = compare_table(accuracy(values), accuracy(0.5), METRICS, 0.05)
    different = compared[compared["verdict"] == "higher than the reference"]
    assert different[["model", "step", "task"]].values.tolist() == [["large", 10, "truth"]]
    row = different.iloc[0]
    assert row["stderr"] == pytest.approx(0.01 * 2**0.5)
    assert row["z"] == pytest.approx(0.1 / (0.01 * 2**0.5))
    assert row["p"] == pytest.approx(1.5374597944280e-12, rel=1e-6)
    assert row["p_fdr"] == pytest.approx(12 * row["p"])
    summary = summary_table(compared, 0.05).set_index("name")
    assert summary.loc["all cells", "verdict"] == "does not replicate: 1 of 12 cells differ (1 higher)"
    assert summary.loc["memo", "verdict"] == "identical"
    assert summary.loc["large", "largest_difference"] == pytest.approx(0.1)


def test_a_small_shift_everywhere_shows_in_the_whole_only() -> None:
    compared = compare_table(accuracy(0.475, 0.01), accuracy(0.5, 0.001), METRICS, 0.01)
    assert set(compared["verdict"]) == {"within sampling error"}
    summary = summary_table(compared, 0.01).set_index("name")
    assert summary.loc["all cells", "verdict"] == "every cell within sampling error, but lower on the whole"
    stderr = np.hypot(0.01, 0.001)
    assert summary.loc["memo", "stderr"] == pytest.approx(stderr), "six cells of one task are one sample of questions"
    assert summary.loc["all cells", "stderr"] == pytest.approx(stderr / 2**0.5), "two tasks are two"


@pytest.fixture(scope="module")
def nulls() -> list[pd.DataFrame]:
    """Comparisons of two tables that differ by noise alone."""
    noise = np.random.default_rng(11)
    pairs = ([accuracy(0.5 + noise.normal(0, 0.01, len(CELLS))) for _ in range(2)] for _ in range(300))
    return [compare_table(ours, theirs, METRICS, 0.05) for ours, theirs in pairs]


def test_false_alarms_stay_at_their_rate_when_nothing_differs(nulls: list[pd.DataFrame]) -> None:
    different = ["higher than the reference", "lower than the reference"]
    alarms = [table["verdict"].isin(different).any() for table in nulls]
    assert 0.01 < np.mean(alarms) < 0.08, "the chance of any false alarm is at most alpha, and not nothing"


def test_z_is_standard_normal_under_the_null(nulls: list[pd.DataFrame]) -> None:
    z = np.concatenate([table["z"].to_numpy() for table in nulls])
    assert ttest_1samp(z, 0).pvalue > 0.01
    assert z.std() == pytest.approx(1, abs=0.04)


def test_cells_of_one_side_only_stay_and_say_so() -> None:
    ours, reference = accuracy(0.5).iloc[1:], accuracy(0.5).iloc[:-1]
    verdicts = compare_table(ours, reference, METRICS, 0.05)["verdict"]
    assert verdicts.value_counts().to_dict() == {"identical": 10, "only in the reference": 1, "not in the reference": 1}


def test_no_standard_error_gives_no_verdict_but_the_difference() -> None:
    ours = accuracy(0.6).assign(stderr=np.nan)
    compared = compare_table(ours, accuracy(0.5), METRICS, 0.05)
    assert set(compared["verdict"]) == {"no standard error to judge by"}
    assert compared["difference"].tolist() == pytest.approx([0.1] * 12)


def test_certain_and_different_is_different() -> None:
    compared = compare_table(accuracy(1.0, 0.0), accuracy(0.0, 0.0), METRICS, 0.05)
    assert compared["p_fdr"].tolist() == [0.0] * 12
    assert set(compared["verdict"]) == {"higher than the reference"}


def test_only_the_metric_of_the_task_counts() -> None:
    other = accuracy(0.1).assign(metric="accuracy_norm")
    compared = compare_table(pd.concat([accuracy(0.5), other]), accuracy(0.5), METRICS, 0.05)
    assert len(compared) == 12
    assert tuple(compared.columns) == COLUMNS["compare"]


def test_files_are_written_and_strangers_refused(tmp_path: Path) -> None:
    ours, theirs, out, summary = (tmp_path / name for name in ("a.tsv", "b.tsv", "compare.tsv", "summary.tsv"))
    write_table(accuracy(0.5), ours, "accuracy")
    write_table(accuracy(0.51), theirs, "accuracy")
    write_compare(ours, theirs, out, summary, metrics=METRICS, alpha=0.05)
    assert len(read_table(out, "compare")) == 12
    assert read_table(summary, "compare_summary")["scope"].tolist() == ["all", "task", "task", "model", "model"]
    write_table(accuracy(0.5).assign(model=lambda rows: "other-" + rows["model"]), theirs, "accuracy")
    with pytest.raises(UserError, match=r"b\.tsv: has no model, step and task in common"):
        write_compare(ours, theirs, out, summary, metrics=METRICS, alpha=0.05)


def test_a_cell_given_twice_is_refused() -> None:
    twice = pd.concat([accuracy(0.5), accuracy(0.5).head(1)])
    with pytest.raises(UserError, match=r"large step 1, memo \(accuracy\) is there twice"):
        compare_table(twice, accuracy(0.5), METRICS, 0.05)

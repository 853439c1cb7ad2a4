"""The mixed model and CR2 against R: lme4 1.1-31 and clubSandwich 0.5.8, whose figures `r_figures/figures.R` wrote."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from support.accuracies import METRICS, published
from trajectories.analysis.clustered import cr2, membership
from trajectories.analysis.lines import run_lines
from trajectories.analysis.mixed import fit_mixed
from trajectories.analysis.points import task_points
from trajectories.analysis.regression import design_matrix, zscore

HERE = Path(__file__).parent / "r_figures"


def figures(data: str, method: str) -> pd.DataFrame:
    table = pd.read_csv(HERE / "figures.tsv", sep="\t")
    return table[(table["data"] == data) & (table["method"] == method)]


def nested() -> pd.DataFrame:
    """Six sizes with two to four runs each, one of which lacks a step."""
    table = pd.read_csv(HERE / "nested.tsv", sep="\t")
    return task_points(table.assign(task="t", metric="accuracy", stderr=0.01, questions=100), "t", "accuracy")


def agrees(points: pd.DataFrame, data: str) -> None:
    fit, theirs = fit_mixed(run_lines(points)), figures(data, "mixed")
    assert fit.coefficients == pytest.approx(theirs["estimate"].to_numpy(), abs=2e-4)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(theirs["stderr"].to_numpy(), rel=2e-4)
    y, design, member = zscore(points["value"].to_numpy(float)), design_matrix(points), membership(points["size"])
    ours, robust = np.array([cr2(y, design, member, term) for term in range(4)]), figures(data, "cr2")
    assert ours == pytest.approx(robust[["estimate", "stderr", "df"]].to_numpy(), rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("task", METRICS)
def test_published_tasks(task: str, shared_data: Path) -> None:
    agrees(task_points(published(shared_data), task, "accuracy"), task)


def test_runs_nested_in_sizes() -> None:
    agrees(nested(), "nested")

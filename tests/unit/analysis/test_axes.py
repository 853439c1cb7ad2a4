"""Accuracies along compute and along the loss of the same checkpoint."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from trajectories.analysis.axes import measured
from trajectories.analysis.by_axis import by_axis_table
from trajectories.analysis.regression import regression_table
from trajectories.errors import UserError
from trajectories.tables import COLUMNS

METRICS = {"trap": "accuracy", "text": "bits_per_byte"}


@pytest.fixture
def accuracy() -> pd.DataFrame:
    """Four models, six steps; the accuracy is a straight line of the loss, the same for all sizes, and noise."""
    rng = np.random.default_rng(1)
    rows = []
    for size in (1e6, 4e6, 2e7, 1e8):
        for step in (1, 4, 16, 64, 256, 1024):
            loss = 4 - 0.25 * np.log10(size) - 0.4 * np.log10(step) + rng.normal(0, 0.05)
            common = {"model": f"m{size:g}", "parameters": size, "step": step, "tokens": step * 1000, "stderr": 0.01}
            rows.append({**common, "task": "text", "metric": "bits_per_byte", "value": loss})
            rows.append({**common, "task": "trap", "metric": "accuracy", "value": 0.2 * loss + rng.normal(0, 0.01)})
    return pd.DataFrame(rows).assign(questions=100)


def test_the_loss_explains_what_size_and_tokens_did(accuracy: pd.DataFrame) -> None:
    """statsmodels' formula on the joined table gives the same coefficients, and size adds nothing to the loss."""
    table = by_axis_table(accuracy, METRICS, "loss", "text").set_index("term")
    assert tuple(table.reset_index()[list(COLUMNS["by_axis"])].columns) == COLUMNS["by_axis"]
    wide = accuracy.pivot_table(index=["parameters", "step"], columns="task", values="value").reset_index()
    data = pd.DataFrame(
        {"y": wide["trap"], "p": np.log10(wide["parameters"]), "x": -wide["text"]}
    ).transform(lambda column: (column - column.mean()) / column.std())  # fmt: skip
    fit = smf.ols("y ~ p * x", data).fit()
    assert table.loc["loss", "beta"] == pytest.approx(fit.params["x"], abs=1e-9)
    assert table.loc["interaction", "p"] == pytest.approx(fit.pvalues["p:x"], abs=1e-9)
    assert set(table["task"]) == {"trap"}
    assert table.loc["loss", "p_fdr"] < 1e-6 < 0.01 < table.loc["parameters", "p_fdr"]
    assert table.loc["loss", "beta"] < 0  # it falls as the loss falls
    assert regression_table(accuracy, {"trap": "accuracy"}).set_index("term").loc["parameters", "p_fdr"] < 1e-6


def test_compute_is_six_times_parameters_times_tokens(accuracy: pd.DataFrame) -> None:
    rows = measured(accuracy, "compute", None)
    assert rows["x"].tolist() == (6 * accuracy["parameters"] * accuracy["tokens"]).tolist()
    assert set(by_axis_table(accuracy, METRICS, "compute", "text")["term"]) == {"parameters", "compute", "interaction"}
    assert measured(accuracy, "tokens", None)["x"].tolist() == accuracy["tokens"].tolist()


def test_step_0_has_a_loss_but_no_logarithm(accuracy: pd.DataFrame) -> None:
    early = accuracy.assign(tokens=accuracy["tokens"].where(accuracy["step"] > 1, 0))
    points = {axis: by_axis_table(early, METRICS, axis, "text")["points"].max() for axis in ("loss", "compute")}
    assert points == {"loss": 24, "compute": 20}


def test_checkpoints_without_a_loss_are_left_out(accuracy: pd.DataFrame) -> None:
    lost = accuracy[(accuracy["task"] != "text") | (accuracy["step"] > 4)]
    assert by_axis_table(lost, METRICS, "loss", "text")["points"].max() == 16
    with pytest.raises(UserError, match="no checkpoint has both bits_per_byte of 'text'"):
        measured(accuracy[accuracy["task"] != "text"], "loss", "text")

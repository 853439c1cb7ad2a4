"""Mixed model, CR2 and item-level model against R (lme4 1.1-31, clubSandwich 0.5.8); `figures.R` wrote the numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from support.accuracies import METRICS, published
from trajectories.analysis.clustered import cr2, membership
from trajectories.analysis.items import Answers, fit_items, logit_line
from trajectories.analysis.lines import run_lines
from trajectories.analysis.mixed import fit_mixed
from trajectories.analysis.points import task_points
from trajectories.analysis.terms import design_matrix, zscore

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


def test_a_singular_fit_is_said_to_be_singular(shared_data: Path) -> None:
    notes = {}
    for task in METRICS:
        fit = fit_mixed(run_lines(task_points(published(shared_data), task, "accuracy")))
        notes[task] = fit.singular
        assert bool(fit.singular) == (np.linalg.eigvalsh(fit.sizes)[0] < 1e-8)
    assert notes["isp_neqa"].startswith("singular: ")
    assert notes["truthfulqa_mc2"] == ""


def test_runs_nested_in_sizes() -> None:
    agrees(nested(), "nested")


def test_the_item_level_model_is_close_to_a_logistic_mixed_model_of_single_answers() -> None:
    """480 x 5 answers: glmer's coefficients are those of one question, larger by the variance of questions (1.38^2)."""
    answers = pd.read_csv(HERE / "questions.tsv", sep="\t", dtype={"right": str})
    design, lines, place = design_matrix(answers.assign(value=0.0)), {}, []
    for model, rows in answers.groupby("model", sort=False):
        value = np.array([list(map(int, right)) for right in rows["right"]], dtype=float)
        course = design[rows.index.to_numpy()]
        lines[str(model)] = logit_line(
            Answers(rows["step"].to_numpy(), np.arange(value.shape[1]), value), course[:, [0, 2]]
        )
        place.append(course[0, 1])
    found = pd.DataFrame(fit_items(lines, np.arange(len(place)), np.array(place)))
    theirs = figures("questions", "glmer").iloc[1:]
    shrunk = 1 / np.sqrt(1 + 0.346 * 1.38289**2)
    assert found["beta"].to_numpy() == pytest.approx(shrunk * theirs["estimate"].to_numpy(), rel=0.08)
    assert found["stderr"].to_numpy() == pytest.approx(shrunk * theirs["stderr"].to_numpy(), rel=0.2)

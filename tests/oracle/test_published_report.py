"""The paper's study as a page: every statistic and figure in it, small enough to send."""

from pathlib import Path

import pytest

from support.imports import placed, read_tidy
from trajectories.analysis.breaks import write_breaks
from trajectories.analysis.checks import Setting
from trajectories.analysis.compare import write_compare
from trajectories.analysis.regression import write_regression
from trajectories.analysis.robustness import Inputs, write_robustness
from trajectories.analysis.shapes import write_shapes
from trajectories.analysis.table1 import write_table1
from trajectories.analysis.trends import write_trends
from trajectories.figures.accuracy import draw_accuracy
from trajectories.figures.coefficients import draw_coefficients
from trajectories.figures.models import draw_models
from trajectories.figures.replication import draw_replication
from trajectories.figures.shown import TaskLabel
from trajectories.figures.surface import draw_surface
from trajectories.imports.published import published_file
from trajectories.report.page import Head, write_report
from trajectories.report.provenance import provenance
from trajectories.tables import write_table

from .test_published_table1 import papers_study

LIMIT = 10_000_000
FIGURES = ("accuracy", "coefficients", "surface", "models", "replication")
KINDS = (
    "accuracy", "regression", "table1", "trends", "declines", "shapes", "breaks", "sensitivity", "survival", "premises",
    "effects", "variation", "compare", "compare_summary",
)  # fmt: skip


@pytest.fixture
def page(shared_data: Path, tmp_path: Path) -> str:
    """Write the page of the published accuracies, compared with themselves."""
    study = papers_study()
    metrics = {task.name: study.metric_of(task) for task in study.tasks}
    tasks = [TaskLabel(task.name, study.metric_of(task), task.title) for task in study.tasks]
    files = {kind: tmp_path / f"{kind}.tsv" for kind in KINDS}
    accuracy = files["accuracy"]
    write_table(
        placed(read_tidy(published_file(shared_data / "published", tmp_path / "unused")), study)[0],
        accuracy,
        "accuracy",
    )
    write_regression(accuracy, files["regression"], metrics)
    write_table1(files["regression"], files["table1"], tmp_path / "table1.md", {})
    write_trends(accuracy, files["trends"], files["declines"], metrics)
    write_shapes(accuracy, files["shapes"], metrics, resamples=19)
    write_breaks(accuracy, files["breaks"], metrics, resamples=19)
    write_robustness(Inputs(accuracy), files, metrics, Setting(resamples=19))
    write_compare(accuracy, accuracy, files["compare"], files["compare_summary"], metrics=metrics, alpha=0.05)
    figures = {name: [tmp_path / f"{name}.svg", tmp_path / f"{name}.pdf"] for name in FIGURES}
    draw_accuracy(accuracy, tasks, figures["accuracy"], bands=True)
    draw_coefficients(files["regression"], tasks, figures["coefficients"])
    draw_surface(accuracy, files["regression"], tasks, figures["surface"])
    draw_models(accuracy, files["trends"], tasks, figures["models"])
    draw_replication(files["compare"], tasks, figures["replication"])
    head = Head("Trajectories: published", "published accuracies", beside_paper=True)
    reference = {"reference": accuracy}
    write_report(tmp_path / "report.html", head, tasks, files, figures, provenance(study), reference)
    return (tmp_path / "report.html").read_text()


def test_the_papers_page_is_whole_and_below_ten_megabytes(page: str) -> None:
    assert "36 of 36 cells equal the paper&#39;s to the printed digit." in page
    for anchor in ("findings", "curves", "table1", "effects", "trends", "shapes", "robustness", "replication"):
        assert f'<section id="{anchor}">' in page
    assert page.count("<figure id=") == len(FIGURES)
    assert len(page.encode()) < LIMIT

"""Loss over training compute: a line per suite through its models' last checkpoints."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from trajectories.figures.compute import compute_figure, draw_compute
from trajectories.figures.shown import TaskLabel, constants_of
from trajectories.tables import COLUMNS, write_table

SUITES = {"a-small": "A", "a-large": "A", "b-small": "B", "b-large": "B"}
PARAMETERS = {"a-small": 10, "a-large": 100, "b-small": 20, "b-large": 200}
TASKS = [TaskLabel("memo", "accuracy", "Memo", 0.5), TaskLabel("inject", "sequence_loss", "Injection")]


@pytest.fixture
def table() -> pd.DataFrame:
    """Two suites of two sizes; the loss rises with size, and is larger before the last step."""
    rows = [
        {
            "model": model, "parameters": parameters, "step": step, "tokens": 1000 * step, "task": task,
            "metric": metric, "value": base + np.log10(parameters) - step / 100, "stderr": 0.1, "questions": 9,
        }
        for model, parameters in PARAMETERS.items()
        for step in (0, 1, 2)
        for task, metric, base in (("memo", "accuracy", 0), ("memo", "loss", 1), ("inject", "sequence_loss", 5))
    ]  # fmt: skip
    return pd.DataFrame(rows).sample(frac=1, random_state=2)


def test_a_line_per_suite_through_the_last_checkpoints(table: pd.DataFrame) -> None:
    figure = compute_figure(table, TASKS, SUITES, width="two")
    assert [panel.get_yscale() for panel in figure.axes] == ["log", "log"]
    assert [panel.get_xscale() for panel in figure.axes] == ["log", "log"]
    for panel, base in zip(figure.axes, (1, 5), strict=True):
        lines = [line for line in panel.get_lines() if len(line.get_xdata()) == 2 and line.get_marker() != "None"]
        assert [list(np.asarray(line.get_xdata())) for line in lines] == [[1.2e5, 1.2e6], [2.4e5, 2.4e6]]
        assert [list(np.asarray(line.get_ydata())) for line in lines] == [
            pytest.approx([base + np.log10(p) - 0.02 for p in sizes]) for sizes in ((10, 100), (20, 200))
        ]
    figure.draw_without_rendering()
    written = [[label.get_text() for label in panel.get_yticklabels()] for panel in figure.axes]
    assert all(re.fullmatch(r"[\d.]+", text) for texts in written for text in texts)
    assert all(len(texts) > 1 for texts in written)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["A", "B"]


def test_models_that_give_constant_answers_have_a_tick_and_a_legend_says_so(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    rows = [
        {"model": model, "step": step, "task": "memo", "constant": constant}
        for model, step, constant in (("a-large", 2, True), ("a-small", 1, True), ("b-small", 2, False))
    ]
    answers = tmp_path / "answers.tsv"
    write_table(pd.DataFrame(rows).reindex(columns=list(COLUMNS["answers"])), answers, "answers")
    figure = compute_figure(table, TASKS, SUITES, width="two", constants=constants_of(answers))
    ticks = [[mark for mark in panel.collections if isinstance(mark, PathCollection)] for panel in figure.axes]
    points = [[np.asarray(mark.get_offsets()).tolist() for mark in marks] for marks in ticks]
    assert points == [[[pytest.approx([1.2e6, 2.98])]], [[]]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["A", "B", "constant answers"]


def test_a_task_without_a_loss_is_drawn_by_its_own_metric(table: pd.DataFrame, tmp_path: Path) -> None:
    rows = table[table["metric"] != "loss"]
    write_table(rows, tmp_path / "accuracy.tsv", "accuracy")
    figure = compute_figure(rows, TASKS, SUITES, width="two")
    assert [panel.get_yscale() for panel in figure.axes] == ["linear", "log"]
    out = tmp_path / "compute.svg"
    draw_compute(tmp_path / "accuracy.tsv", TASKS, [out], SUITES)
    assert "Training compute" in out.read_text()


def test_runs_of_a_size_are_pale_and_the_line_goes_through_their_mean(table: pd.DataFrame) -> None:
    alike = table.assign(parameters=table["model"].map(PARAMETERS | {"a-large": 10, "b-small": 200}))
    panel = compute_figure(alike, TASKS, {**SUITES, "b-small": "A", "b-large": "A"}, width="two").axes[0]
    runs, line = panel.get_lines()[:2]
    assert runs.get_linestyle() == "None"
    assert sorted(np.asarray(runs.get_xdata())) == [1.2e5, 1.2e5, 2.4e6, 2.4e6]
    assert list(np.asarray(line.get_xdata())) == [1.2e5, 2.4e6]
    means = [
        1 + np.log10(PARAMETERS[one] * PARAMETERS[two]) / 2 - 0.02
        for one, two in (tuple(SUITES)[:2], tuple(SUITES)[2:])
    ]
    assert list(np.asarray(line.get_ydata())) == pytest.approx(means)

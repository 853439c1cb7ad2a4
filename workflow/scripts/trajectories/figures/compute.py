"""Loss against training compute, a line per suite: the form in which the Inverse Scaling Prize showed its tasks.

McKenzie et al. (2023), "Inverse Scaling: When Bigger Isn't Better": one panel per task, FLOPs and loss on log axes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from trajectories.analysis.axes import measured
from trajectories.figures.axes import logarithmic, set_axis, title
from trajectories.figures.panels import facets, legend_above
from trajectories.figures.shown import Constants, TaskLabel, constants_of, panel_rows, read_accuracy, value_text
from trajectories.figures.style import FALL, GREY, RISE, Column, figure_style, save
from trajectories.figures.ticks import tick, tick_handle
from trajectories.study.metrics import record_of

COLOURS = (RISE, FALL, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKERS = "os^Dv<>"
"""Of suites, in the study's order; of more than seven some look alike but for their marker or colour."""

LOSS = "loss"

RUN_ALPHA = 0.35
"""How pale runs of the same compute are beside their mean."""


def draw_compute(
    accuracy: Path | str,
    tasks: Sequence[TaskLabel],
    out: Sequence[Path | str],
    suites: Mapping[str, str],
    *,
    width: Column = "two",
    answers: Path | str | None = None,
) -> None:
    """Draw the last checkpoint of every model: its loss over 6 x parameters x tokens, the models of a suite joined.

    Models of a suite with the same compute (runs of one size) are pale points, and the line goes through their mean.
    `suites` is model → suite. A task that has no `loss` is drawn by its own metric. What `answers.tsv` flags has
    a tick.
    """
    with figure_style():
        constants = constants_of(answers)
        save(compute_figure(read_accuracy(accuracy), tasks, suites, width=width, constants=constants), out)


def compute_figure(
    accuracy: pd.DataFrame,
    tasks: Sequence[TaskLabel],
    suites: Mapping[str, str],
    *,
    width: Column,
    constants: Constants = frozenset(),
) -> Figure:
    """Return the figure of `draw_compute` from a table already read."""
    placed = measured(last_checkpoints(accuracy), "compute", None)
    placed = placed.assign(suite=placed["model"].map(suites))
    shown = [by_loss(placed, task) for task in tasks]
    names = list(dict.fromkeys(suites.values()))
    figure, panels = facets(shown, width)
    marked = False
    for label, panel in zip(shown, panels, strict=True):
        rows = panel_rows(placed, label)
        for place, suite in enumerate(names):
            line = rows[rows["suite"] == suite].sort_values("x")
            look: dict[str, Any] = {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}
            _draw_suite(panel, line, look)
        ticked = rows[[k in constants for k in zip(rows["model"], rows["step"], rows["task"], strict=True)]]
        tick(panel, ticked["x"], ticked["value"])
        marked = marked or len(ticked) > 0
        if label.chance is not None:
            panel.axhline(label.chance, color=GREY, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
        if record_of(label.metric).low >= 0 and not record_of(label.metric).is_share and (rows["value"] > 0).all():
            logarithmic(panel)
        set_axis(panel, placed["x"], "compute")
    figure.supxlabel(title("compute"), fontsize=7)
    figure.supylabel(value_text(shown), fontsize=7)
    legend_above(figure, [*(_handle(place, suite) for place, suite in enumerate(names)), *[tick_handle()] * marked])
    return figure


def _draw_suite(panel: Axes, line: pd.DataFrame, look: Mapping[str, Any]) -> None:
    """Draw a suite's line through its models; where several have the same compute, they are pale and it joins means."""
    counts = line.groupby("x")["value"].transform("size")
    runs = line[counts > 1]
    panel.plot(runs["x"], runs["value"], **look, linestyle="none", markersize=1.8, markeredgewidth=0, alpha=RUN_ALPHA)
    spread = line["stderr"].fillna(0).where(counts == 1)
    means = line.assign(spread=spread).groupby("x", as_index=False)[["value", "spread"]].mean()
    panel.errorbar(means["x"], means["value"], yerr=means["spread"], markersize=2.6, elinewidth=0.5, **look)


def last_checkpoints(accuracy: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each model's last step that has seen tokens."""
    seen = accuracy[accuracy["tokens"] > 0]
    return seen[seen["step"] == seen.groupby("model")["step"].transform("max")]


def by_loss(accuracy: pd.DataFrame, task: TaskLabel) -> TaskLabel:
    """Return the panel of a task by its loss, whose value under guessing is not known here, or as it is."""
    if task.metric == LOSS or not ((accuracy["task"] == task.task) & (accuracy["metric"] == LOSS)).any():
        return task
    return replace(task, metric=LOSS, chance=None)


def _handle(place: int, suite: str) -> Line2D:
    colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
    return Line2D([], [], color=colour, marker=marker, markersize=3, label=suite)

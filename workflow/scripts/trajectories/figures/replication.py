"""Replication: the reference's accuracy across, ours up, one point per cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from trajectories.figures.panels import facets, legend_above
from trajectories.figures.shown import TaskLabel
from trajectories.figures.style import FALL, GREY, NONE, RISE, Column, figure_style, save
from trajectories.tables import read_table

COLOURS: Mapping[str, str] = {"higher than the reference": RISE, "lower than the reference": FALL}
REST = "within sampling error"


def draw_replication(
    compare: Path | str, tasks: Sequence[TaskLabel], out: Sequence[Path | str], *, width: Column = "two"
) -> None:
    """Draw `compare.tsv`: a panel per task, bars one standard error each way, cells that differ in colour.

    Tasks without a common cell are left out.
    """
    table = read_table(compare, "compare").dropna(subset="difference")
    there = [task for task in tasks if (table["task"] == task.task).any()]
    with figure_style():
        save(replication_figure(table, there, width=width), out)


def replication_figure(compared: pd.DataFrame, tasks: Sequence[TaskLabel], *, width: Column) -> Figure:
    """Return the figure of `draw_replication` from cells both sides have."""
    figure, panels = facets(tasks, width, height=1.45)
    for label, panel in zip(tasks, panels, strict=True):
        _draw_panel(panel, compared[compared["task"] == label.task])
    figure.supxlabel("Reference", fontsize=7)
    figure.supylabel("This study", fontsize=7)
    handles = [_handle(colour, name) for name, colour in ((REST, NONE), *COLOURS.items())]
    legend_above(figure, handles)
    return figure


def _draw_panel(panel: Axes, cells: pd.DataFrame) -> None:
    both = pd.concat([cells["value"], cells["reference"]])
    margin = max(0.04 * (both.max() - both.min()), 0.004)
    low, high = both.min() - margin, both.max() + margin
    panel.plot([low, high], [low, high], color=GREY, linewidth=0.6, zorder=1)
    for colour, rows in cells.groupby(cells["verdict"].map(COLOURS).fillna(NONE), sort=True):
        front = 2 if colour == NONE else 4
        across, up = rows["reference_stderr"].fillna(0), rows["own_stderr"].fillna(0)
        panel.errorbar(
            rows["reference"], rows["value"], xerr=across, yerr=up,
            fmt="none", ecolor=colour, elinewidth=0.4, alpha=0.45, zorder=front,
        )  # fmt: skip
        panel.scatter(rows["reference"], rows["value"], s=5, color=colour, linewidths=0, zorder=front + 1)
    panel.set_xlim(low, high)
    panel.set_ylim(low, high)
    panel.set_box_aspect(1)
    panel.locator_params(nbins=4)


def _handle(colour: str, name: str) -> Line2D:
    return Line2D([], [], color=colour, marker="o", markersize=3, linestyle="none", label=name)

"""The forest plot: every coefficient of the regression with its interval, all tasks in one figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from scipy.special import stdtrit

from trajectories.analysis.points import records
from trajectories.figures.panels import TEXT_WIDTH
from trajectories.figures.shown import TaskLabel, direction
from trajectories.figures.style import FALL, GREY, NONE, PALE, RISE, WIDTHS, Column, figure_style, new_figure, save
from trajectories.tables import read_table

TERMS: Mapping[str, str] = {"parameters": "Parameters", "tokens": "Tokens", "interaction": "Interaction"}
LEVEL = 0.95
ROW = 0.17
"""Inches per task."""


def draw_coefficients(
    regression: Path | str,
    tasks: Sequence[TaskLabel],
    out: Sequence[Path | str],
    *,
    alpha: float = 0.05,
    width: Column = "two",
) -> None:
    """Draw `regression.tsv`: a column per term, a row per task, coefficient and 95 % interval.

    Significant ones (corrected p below `alpha`) are filled and coloured: better or worse; tasks without a fit say why.
    """
    table = read_table(regression, "regression")
    with figure_style():
        save(coefficients_figure(table, tasks, alpha=alpha, width=width), out)


def with_intervals(regression: pd.DataFrame) -> pd.DataFrame:
    """Return `regression` with columns low and high: the 95 % interval of Student's t with the row's df."""
    half = stdtrit(regression["df"].astype(float), (1 + LEVEL) / 2) * regression["stderr"]
    return regression.assign(low=regression["beta"] - half, high=regression["beta"] + half)


def coefficients_figure(regression: pd.DataFrame, tasks: Sequence[TaskLabel], *, alpha: float, width: Column) -> Figure:
    """Return the figure of `draw_coefficients` from a table already read."""
    table = with_intervals(regression)
    figure = new_figure(width, ROW * len(tasks) + 0.75)
    panels = figure.subplots(1, len(TERMS), sharex=True, sharey=True, squeeze=False)[0]
    for panel, (term, title) in zip(panels, TERMS.items(), strict=True):
        rows = {str(row["task"]): row for row in records(table[table["term"] == term])}
        _draw_term(panel, [rows.get(task.task) for task in tasks], alpha)
        panel.set_title(title, loc="left")
        panel.set_ylim(len(tasks) - 0.4, -0.6)
    longest = max(len(task.label) for task in tasks)
    size = min(6.5, WIDTHS[width] * 0.34 * 72 / (TEXT_WIDTH * longest))
    panels[0].set_yticks(range(len(tasks)), [task.label for task in tasks], fontsize=size)
    panels[0].xaxis.set_major_locator(MaxNLocator(5 if width == "two" else 4, steps=[1, 5, 10]))
    panels[0].xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "\u2212")))
    for panel in panels:
        panel.tick_params(axis="x", labelsize=6 if width == "two" else 4.5)
    figure.supxlabel("Standardised coefficient", fontsize=7)
    return figure


def _draw_term(panel: Axes, rows: Sequence[Mapping[str, Any] | None], alpha: float) -> None:
    panel.axvline(0, color=GREY, linewidth=0.6, zorder=1)
    panel.grid(axis="x", color=PALE, linewidth=0.4)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
    for place, row in enumerate(rows):
        if row is None or pd.isna(row["beta"]):
            reason = "no fit" if row is None else row["reason"] or "no fit"
            panel.text(0, place, f" {reason}", fontsize=4.5, color=GREY, va="center", clip_on=True)
            continue
        significant = bool(row["p_fdr"] < alpha)
        colour = (RISE if direction(row["beta"], row["metric"]) > 0 else FALL) if significant else NONE
        panel.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=1.1, zorder=2)
        panel.scatter(
            row["beta"],
            place,
            s=13,
            facecolor=colour if significant else "white",
            edgecolor=colour,
            linewidth=0.9,
            zorder=3,
        )

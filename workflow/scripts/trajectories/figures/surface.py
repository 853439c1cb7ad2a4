"""The fitted surface against the data: per task, heat maps of observed, fitted and residual accuracy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from trajectories.analysis.points import task_points
from trajectories.analysis.terms import TERMS, design_matrix
from trajectories.figures.colours import DIVERGING, SEQUENTIAL
from trajectories.figures.panels import TEXT_WIDTH
from trajectories.figures.shown import Names, TaskLabel, models_by_size, read_accuracy, renamed, token_text
from trajectories.figures.style import GREY, WIDTHS, Column, figure_style, new_figure, save
from trajectories.tables import read_table

KINDS = ("observed", "fitted", "residual")

LOWEST_MAP, HIGHEST_MAP, ROW = 0.72, 1.4, 0.05
"""Inches: a map at least and at most, and a model's row where there are many."""

ABOVE, BELOW, SCALE = 0.34, 0.31, 0.045
"""Inches above a map, for titles; below it, for steps and scale; and of the scale itself."""

BETWEEN, BEFORE_RESIDUAL, BESIDE, MARGIN = 0.07, 0.28, 0.145, 0.06
"""Inches between maps, before residuals, beside all of them (scales end in numbers), and at the edge of the page."""

SMALL = 4.5
"""Points of the smallest type."""

TICK = 1 / 72
"""Inches of a tick, and from it to its number."""


def draw_surface(
    accuracy: Path | str,
    regression: Path | str,
    tasks: Sequence[TaskLabel],
    out: Sequence[Path | str],
    *,
    names: Names | None = None,
    width: Column = "two",
) -> None:
    """Draw models x checkpoints per task: the value, the regression's fit, and the value minus the fit.

    Observed and fitted share a colour scale within a task, residuals are symmetric around 0; the scales are under the
    maps. A task without a fit shows what was observed only.
    """
    values, fits = renamed(read_accuracy(accuracy), names), read_table(regression, "regression")
    with figure_style():
        save(surface_figure(values, fits, tasks, width=width), out)


def fitted_points(accuracy: pd.DataFrame, regression: pd.DataFrame, label: TaskLabel) -> pd.DataFrame:
    """Return the points of a task with columns observed, fitted and residual, in the metric's own unit.

    The regression is on z-scores; its intercept follows from the residuals' mean being 0, so the three coefficients of
    `regression.tsv` and the points give the fit back.
    """
    points = task_points(accuracy, label.task, label.metric)
    rows = regression[regression["task"] == label.task].set_index("term")["beta"]
    if points.empty or rows.reindex(list(TERMS)).isna().any():
        return points.assign(observed=points["value"], fitted=np.nan, residual=np.nan)
    z = design_matrix(points)[:, 1:] @ rows.reindex(list(TERMS)).to_numpy(float)
    value = points["value"].to_numpy(float)
    fitted = value.mean() + value.std(ddof=1) * (z - z.mean())
    return points.assign(observed=value, fitted=fitted, residual=value - fitted)


def surface_figure(
    accuracy: pd.DataFrame, regression: pd.DataFrame, tasks: Sequence[TaskLabel], *, width: Column
) -> Figure:
    """Return the figure of `draw_surface` from tables already read.

    One axes in inches, from the upper left corner, holds all maps: axes of their own, five per task, are laid out and
    drawn in several times the time.
    """
    across = min(len(tasks), 2 if width == "two" else 1)
    down = ceil(len(tasks) / across)
    models = models_by_size(accuracy)
    high = min(HIGHEST_MAP, max(LOWEST_MAP, ROW * len(models)))
    figure = new_figure(width, (ABOVE + high + BELOW) * down, laid_out=False)
    page = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTHS[width]), ylim=(figure.get_figheight(), 0))
    page.set_axis_off()
    named = _row_names(models, high)
    names = max(0.0, max(map(len, named.values())) * TEXT_WIDTH * SMALL / 72 + 4 * TICK + MARGIN - BESIDE)
    room = (WIDTHS[width] - names) / across
    wide = (room - 2 * BESIDE - BETWEEN - BEFORE_RESIDUAL) / len(KINDS)
    ticks: list[_Line] = []
    for place, label in enumerate(tasks):
        row, column = divmod(place, across)
        left, top = names + column * room + BESIDE, row * (ABOVE + high + BELOW)
        cell = _Cell(page, left, top + ABOVE, wide, high, ticks)
        page.text(left if column else MARGIN, top + MARGIN, label.label, fontsize=7, va="top")
        _draw_task(cell, _grids(fitted_points(accuracy, regression, label), models), named if column == 0 else {})
    page.add_collection(LineCollection(ticks, colors="black", linewidths=0.5), autolim=False)
    return figure


_Line = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class _Cell:
    """Where a task's maps stand on the page, in inches: the first one's left and top, what each is wide and high."""

    page: Axes
    left: float
    top: float
    wide: float
    high: float
    ticks: list[_Line]

    def left_of(self, kind: str) -> float:
        """Return where a map begins."""
        place = KINDS.index(kind)
        return self.left + place * (self.wide + BETWEEN) + (BEFORE_RESIDUAL - BETWEEN) * (kind == "residual")

    @property
    def bottom(self) -> float:
        return self.top + self.high

    def write(self, x: float, y: float, text: str, **look: Any) -> None:
        self.page.text(x, y, text, **{"fontsize": SMALL, "ha": "center", "va": "top", **look})


def _grids(points: pd.DataFrame, models: Sequence[str]) -> Mapping[str, pd.DataFrame]:
    """Return per kind a table: a row per model, smallest first, a column per token count."""
    return {kind: points.pivot(index="model", columns="tokens", values=kind).reindex(list(models)) for kind in KINDS}


def _row_names(models: Sequence[str], inches: float) -> dict[int, str]:
    """Return the rows that are named: as many as do not collide, the largest model among them."""
    every = ceil(len(models) * 1.25 * SMALL / 72 / inches)
    return {row: models[row] for row in range(len(models) - 1, -1, -every)}


def _draw_task(cell: _Cell, grids: Mapping[str, pd.DataFrame], named: Mapping[int, str]) -> None:
    for kind in KINDS:
        left, grid = cell.left_of(kind), grids[kind]
        cell.write(left + cell.wide / 2, cell.top - 3 / 72, kind, fontsize=5.5, color=GREY, va="baseline")
        if not grid.empty:  # else only step 0, which has no place on a log axis
            _draw_map(cell, left, grid, *_limits(kind, grids), _ramp(kind))
    for kind, last in (("observed", "fitted"), ("residual", "residual")):
        low, high = _limits(kind, grids)
        if np.isfinite(grids[kind].to_numpy(float)).any():
            _draw_scale(cell, cell.left_of(kind), cell.left_of(last) + cell.wide, low, high, _ramp(kind))
    row = cell.high / max(len(grids["observed"]), 1)
    for place, name in named.items():
        middle = cell.bottom - (place + 0.5) * row
        cell.ticks.append(((cell.left - TICK, middle), (cell.left, middle)))
        cell.write(cell.left - 2 * TICK, middle, name, ha="right", va="center")


def _ramp(kind: str) -> str:
    return DIVERGING if kind == "residual" else SEQUENTIAL


def _limits(kind: str, grids: Mapping[str, pd.DataFrame]) -> tuple[float, float]:
    if kind == "residual":
        most = float(np.nanmax(np.abs(grids[kind].to_numpy(float)), initial=0.0))
        return -most, most
    both = np.concatenate([grids[name].to_numpy(float).ravel() for name in ("observed", "fitted")])
    known = both[np.isfinite(both)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


def _draw_map(cell: _Cell, left: float, grid: pd.DataFrame, low: float, high: float, colours: str) -> None:
    """Draw one map, and name its first and last column."""
    values = np.ma.masked_invalid(grid.to_numpy(float))
    ramp = colormaps[colours].with_extremes(bad="#f0f0f0")
    right = left + cell.wide
    _picture(cell.page, values, (left, right, cell.bottom, cell.top), ramp, low, high)
    ends = {0: "left", grid.shape[1] - 1: "right"} if grid.shape[1] > 1 else {0: "center"}
    for end, side in ends.items():  # both stay within the map
        x = left + (end + 0.5) * cell.wide / grid.shape[1]
        cell.ticks.append(((x, cell.bottom), (x, cell.bottom + TICK)))
        cell.write(x, cell.bottom + 2 * TICK, token_text(float(grid.columns[end])), ha=side)
    if not values.count():
        cell.write(left + cell.wide / 2, cell.top + cell.high / 2, "no fit", fontsize=5, color=GREY, va="center")


def _draw_scale(cell: _Cell, left: float, right: float, low: float, high: float, colours: str) -> None:
    """Draw the colour scale of maps under them, its ends and its middle in numbers."""
    top = cell.bottom + BELOW / 2 - SCALE / 2
    _picture(
        cell.page, np.linspace(low, high, 256)[None], (left, right, top + SCALE, top), colormaps[colours], low, high
    )
    marks = {0.0: low, 0.5: (low + high) / 2, 1.0: high} if high > low else {0.5: low}
    for share, mark in marks.items():
        x = left + share * (right - left)
        cell.ticks.append(((x, top + SCALE), (x, top + SCALE + TICK)))
        cell.write(x, top + SCALE + 2 * TICK, _number(mark))


def _picture(
    page: Axes, values: Any, extent: tuple[float, float, float, float], ramp: Any, low: float, high: float
) -> None:
    """Put a picture of values in its place on the page, the first row at the bottom."""
    page.imshow(
        values, aspect="auto", origin="lower", extent=extent, cmap=ramp, vmin=low, vmax=high, interpolation="nearest"
    )


def _number(value: float) -> str:
    return f"{value:.2g}".replace("-", "\u2212")

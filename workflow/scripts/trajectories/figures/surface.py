"""The fitted surface against the data: per task, heat maps of observed, fitted and residual accuracy."""

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage

from trajectories.analysis.points import task_points
from trajectories.analysis.terms import TERMS, design_matrix
from trajectories.figures.panels import Names, TaskLabel, models_by_size, read_accuracy, renamed, token_text
from trajectories.figures.style import DIVERGING, GREY, SEQUENTIAL, Column, figure_style, new_figure, save
from trajectories.tables import read_table

KINDS = ("observed", "fitted", "residual")

LOWEST_MAP, HIGHEST_MAP, ROW, BESIDE_MAP = 0.63, 1.4, 0.05, 0.72
"""Inches: a map at least and at most, a model's row where there are many, and titles, axis and scale around it."""

SMALL = 4.5
"""Points of the smallest type."""


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
    """Return the figure of `draw_surface` from tables already read."""
    across = min(len(tasks), 2 if width == "two" else 1)
    down = ceil(len(tasks) / across)
    models = models_by_size(accuracy)
    maps = min(HIGHEST_MAP, max(LOWEST_MAP, ROW * len(models)))
    figure = new_figure(width, (maps + BESIDE_MAP) * down)
    cells = figure.subfigures(down, across, squeeze=False).ravel()
    for place, label in enumerate(tasks):
        grids = _grids(fitted_points(accuracy, regression, label), models)
        _draw_task(cells[place], grids, label, _row_names(models, maps) if place % across == 0 else {})
    return figure


def _grids(points: pd.DataFrame, models: Sequence[str]) -> Mapping[str, pd.DataFrame]:
    """Return per kind a table: a row per model, smallest first, a column per token count."""
    return {kind: points.pivot(index="model", columns="tokens", values=kind).reindex(list(models)) for kind in KINDS}


def _row_names(models: Sequence[str], inches: float) -> dict[int, str]:
    """Return the rows that are named: as many as do not collide, the largest model among them."""
    every = ceil(len(models) * 1.25 * SMALL / 72 / inches)
    return {row: models[row] for row in range(len(models) - 1, -1, -every)}


def _draw_task(cell: SubFigure, grids: Mapping[str, pd.DataFrame], label: TaskLabel, named: Mapping[int, str]) -> None:
    cell.suptitle(label.label, fontsize=7, x=0.02, ha="left")
    panels = cell.subplots(1, len(KINDS), sharey=True)
    drawn = {
        kind: _draw_map(panel, grids[kind], *_limits(kind, grids), DIVERGING if kind == "residual" else SEQUENTIAL)
        for panel, kind in zip(panels, KINDS, strict=True)
    }
    for panel, kind in zip(panels, KINDS, strict=True):
        panel.set_title(kind, fontsize=5.5, color=GREY)
    _legend(cell, drawn["observed"], list(panels[:2]))
    _legend(cell, drawn["residual"], [panels[2]])
    panels[0].set_yticks(list(named), list(named.values()), fontsize=SMALL)


def _limits(kind: str, grids: Mapping[str, pd.DataFrame]) -> tuple[float, float]:
    if kind == "residual":
        most = float(np.nanmax(np.abs(grids[kind].to_numpy(float)), initial=0.0))
        return -most, most
    both = np.concatenate([grids[name].to_numpy(float).ravel() for name in ("observed", "fitted")])
    known = both[np.isfinite(both)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


def _draw_map(panel: Axes, grid: pd.DataFrame, low: float, high: float, colours: str) -> AxesImage | None:
    """Draw one map and return it; nothing where there are no values."""
    if grid.empty:  # only step 0, which has no place on a log axis
        panel.set_axis_off()
        return None
    ramp = colormaps[colours].with_extremes(bad="#f0f0f0")
    values = np.ma.masked_invalid(grid.to_numpy(float))
    image = panel.imshow(values, aspect="auto", origin="lower", cmap=ramp, vmin=low, vmax=high, interpolation="nearest")
    ends = [0, grid.shape[1] - 1] if grid.shape[1] > 1 else [0]
    panel.set_xticks(ends, [token_text(float(grid.columns[end])) for end in ends], fontsize=SMALL)
    if len(ends) > 1:  # both ends stay within the map
        first, last = panel.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")
    panel.tick_params(length=1, pad=1)
    for spine in panel.spines.values():
        spine.set_visible(False)
    if not values.count():
        panel.text(0.5, 0.5, "no fit", fontsize=5, color=GREY, ha="center", va="center", transform=panel.transAxes)
        return None
    return image


def _legend(cell: SubFigure, image: AxesImage | None, panels: Sequence[Axes]) -> None:
    """Put the colour scale of maps under them, its ends and its middle in numbers."""
    if image is None:
        return
    bar = cell.colorbar(image, ax=panels, location="bottom", aspect=34 if len(panels) > 1 else 17, pad=0.03)
    low, high = image.get_clim()
    if bar.solids is not None and high > low:  # 256 polygons; print makes a picture of the whole page of each scale's
        bar.solids.remove()
        bar.ax.imshow(np.linspace(low, high, 256)[None], cmap=image.cmap, extent=(low, high, 0, 1), aspect="auto")
    marks = [low, (low + high) / 2, high] if high > low else [low]
    bar.set_ticks(marks, labels=[_number(mark) for mark in marks])
    bar.ax.tick_params(length=1, pad=1, labelsize=SMALL)
    bar.outline.set_visible(False)


def _number(value: float) -> str:
    return f"{value:.2g}".replace("-", "\u2212")

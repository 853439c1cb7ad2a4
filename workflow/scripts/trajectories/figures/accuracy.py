"""Figure 1: accuracy over training, a panel per task, a line per model, and the mean of a size's runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from trajectories.analysis.axes import measured
from trajectories.errors import UserError
from trajectories.figures.axes import logarithmic, positions, set_axis, title
from trajectories.figures.colours import linestyle, run_colours, run_dashes
from trajectories.figures.panels import facets, legend_above
from trajectories.figures.shown import (
    Constants,
    Names,
    Suspects,
    TaskLabel,
    constants_of,
    mean_of_runs,
    panel_rows,
    parameters_of,
    read_accuracy,
    renamed,
    runs_of,
    size_names,
    sizes_in,
    suspect_checkpoints,
    value_text,
)
from trajectories.figures.style import GREY, Column, figure_style, save
from trajectories.figures.ticks import tick, tick_handle
from trajectories.study.metrics import record_of

MOST_MARKED_STEPS = 24
"""Beyond this many steps markers would touch, so lines go without."""

MOST_LISTED = 12
"""Beyond this many models the legend names sizes and not their runs."""

RUN: dict[str, Any] = {"linewidth": 0.5, "alpha": 0.45}
"""How one of several runs of a size is drawn."""


def draw_accuracy(
    accuracy: Path | str,
    tasks: Sequence[TaskLabel],
    out: Sequence[Path | str],
    *,
    checkpoints: Path | str | None = None,
    consistency: Path | str | None = None,
    names: Names | None = None,
    bands: bool = False,
    width: Column = "two",
    axis: str = "tokens",
    text: str | None = None,
    sizes: Names | None = None,
    answers: Path | str | None = None,
    suites: Names | None = None,
) -> None:
    """Draw `accuracy.tsv`: one panel per entry of `tasks` in that order, free y axes, `axis` along the x axis.

    Tokens and compute are on a log axis; the loss is that on the running text `text`, which then has no panel.

    `names` are display names of models; `bands` adds plus and minus one standard error. Checkpoints that
    `checkpoints.tsv` calls wrong or `consistency.tsv` flags are hollow, those that `answers.tsv` flags have a tick.
    Runs of one size (`sizes`: model → size; else equal parameters) share a colour and are thin, their mean is strong;
    several `suites` (model → suite) have a hue each.
    Raises `UserError` when a task has no rows.
    """
    table = renamed(read_accuracy(accuracy), names)
    doubtful = suspect_checkpoints(checkpoints, consistency)
    suspects = frozenset(((names or {}).get(model, model), step) for model, step in doubtful)
    with figure_style():
        called, family = (
            {(names or {}).get(model, model): of for model, of in (given or {}).items()} for given in (sizes, suites)
        )
        constants = constants_of(answers, names)
        made = accuracy_figure(
            table, tasks, suspects, bands=bands, width=width, axis=axis, text=text, sizes=called, constants=constants,
            suites=family,
        )  # fmt: skip
        save(made, out)


def accuracy_figure(
    accuracy: pd.DataFrame,
    tasks: Sequence[TaskLabel],
    suspects: Suspects,
    *,
    bands: bool,
    width: Column,
    axis: str = "tokens",
    text: str | None = None,
    sizes: Names | None = None,
    constants: Constants = frozenset(),
    suites: Names | None = None,
) -> Figure:
    """Return the figure of `draw_accuracy` from a table already read."""
    accuracy = measured(accuracy, axis, text)
    of_text = next((task.label for task in tasks if task.task == text), "")
    tasks = [task for task in tasks if axis != "loss" or task.task != text]
    of_size = sizes_in(accuracy, sizes, suites)
    colours, runs = run_colours(of_size, parameters_of(accuracy), suites), runs_of(of_size)
    dashes = run_dashes(runs)
    figure, panels = facets(tasks, width)
    for label, panel in zip(tasks, panels, strict=True):
        rows = panel_rows(accuracy, label)
        if rows.empty:
            raise UserError(f"task {label.task!r} has no rows with metric {label.metric!r} in the accuracy table")
        placed = rows.assign(place=_places(rows, axis))
        _draw_panel(panel, placed, label, colours, suspects, bands, dashes)
        for several in runs.values():
            mean = mean_of_runs(placed[placed["model"].isin(several)])
            panel.plot(mean["place"], mean["value"], color=colours[several[0]], linewidth=1.6, zorder=4)
        _mark_constants(panel, placed, label.task, constants)
        set_axis(panel, accuracy["x"], axis)
    figure.supxlabel(title(axis, of_text), fontsize=7)
    figure.supylabel(value_text(tasks), fontsize=7)
    shown = {(model, step, label.task) for label in tasks for model, step in zip(*_checkpoints(accuracy), strict=True)}
    lines = _legend_lines(of_size, size_names(of_size, parameters_of(accuracy)), colours, dashes)
    _legend(figure, lines, suspects, ticked=bool(shown & constants))
    return figure


def _places(rows: pd.DataFrame, axis: str) -> "pd.Series[Any]":
    return rows.groupby("model", group_keys=False)["x"].transform(lambda x: positions(x, axis))


def _draw_panel(
    panel: Axes,
    rows: pd.DataFrame,
    label: TaskLabel,
    colours: dict[str, str],
    suspects: Suspects,
    bands: bool,
    dashes: Names,
) -> None:
    if label.chance is not None:
        panel.axhline(label.chance, color=GREY, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
    on_log = record_of(label.metric).geometric
    marked: list[pd.DataFrame] = []
    for model, colour in colours.items():
        line = rows[rows["model"] == model]
        x, y = line["place"], line["value"]
        if bands and model not in dashes:
            panel.fill_between(x, *_band(line, on_log), color=colour, alpha=0.14, linewidth=0, zorder=2)
        run = RUN | {"linestyle": linestyle(dashes[model])} if model in dashes else {}
        panel.plot(x, y, color=colour, zorder=3, **run)
        if model not in dashes and line["step"].nunique() <= MOST_MARKED_STEPS:
            marked.append(line)
        _mark_suspects(panel, line, colour, suspects)
    if marked:
        points = pd.concat(marked)
        panel.scatter(points["place"], points["value"], s=5, c=points["model"].map(colours), linewidths=0, zorder=4)
    if on_log:
        logarithmic(panel)


def _band(line: pd.DataFrame, on_log: bool) -> tuple["pd.Series[Any]", "pd.Series[Any]"]:
    """Return the values minus and plus one standard error, on a log axis that of the logarithm."""
    value, spread = line["value"], line["stderr"].fillna(0.0)
    if on_log:
        factor = np.exp(spread / value)
        return value / factor, value * factor
    return value - spread, value + spread


def _mark_suspects(panel: Axes, line: pd.DataFrame, colour: str, suspects: Suspects) -> None:
    doubtful = [(str(m), int(s)) in suspects for m, s in zip(line["model"], line["step"], strict=True)]
    if not any(doubtful):
        return
    x, y = line["place"][doubtful], line["value"][doubtful]
    panel.scatter(x, y, s=9, facecolors="white", edgecolors=colour, linewidths=0.7, zorder=5)


def _mark_constants(panel: Axes, rows: pd.DataFrame, task: str, constants: Constants) -> None:
    """Draw a tick through the points that are constant answers."""
    ticked = [(model, step, task) in constants for model, step in zip(*_checkpoints(rows), strict=True)]
    if any(ticked):
        tick(panel, rows["place"][ticked], rows["value"][ticked])


def _checkpoints(rows: pd.DataFrame) -> tuple[list[str], list[int]]:
    return rows["model"].astype(str).tolist(), rows["step"].astype(int).tolist()


def _legend_lines(sizes: Names, called: Names, colours: Names, dashes: Names) -> list[Line2D]:
    """Return a line per size, and one per run where that leaves the legend short and dashes tell runs apart."""
    listed = len(sizes) <= MOST_LISTED
    found: dict[str, Line2D] = {}
    runs = runs_of(sizes)
    for model, size in sizes.items():
        several = runs.get(size)
        label = f"{called[size]} ({len(several)} runs)" if several else model
        if label not in found:
            found[label] = Line2D([], [], color=colours[model], marker="o", markersize=3, label=label)
        if several and listed and len({dashes[run] for run in several}) > 1:
            found[model] = Line2D(
                [], [], color=colours[model], linestyle=linestyle(dashes[model]), label=model, linewidth=0.7
            )
    return list(found.values())


def _legend(figure: Figure, lines: Sequence[Line2D], suspects: Suspects, ticked: bool) -> None:
    handles = [*lines]
    if suspects:
        hollow = {"marker": "o", "markersize": 3, "markerfacecolor": "white", "linestyle": "none"}
        handles.append(Line2D([], [], color=GREY, label="doubtful checkpoint", **hollow))  # type: ignore[arg-type]
    if ticked:
        handles.append(tick_handle())
    legend_above(figure, handles)

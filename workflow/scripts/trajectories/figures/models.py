"""Small multiples: a row per model, a column per task; colour says where a trend goes, strength whether it is sure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation

from trajectories.analysis.points import records
from trajectories.figures.panels import (
    Names,
    TaskLabel,
    legend_below,
    models_by_size,
    panel_rows,
    read_accuracy,
    renamed,
    token_positions,
)
from trajectories.figures.style import FALL, GREY, NONE, PALE, RISE, Column, figure_style, new_figure, save
from trajectories.study.metrics import sign_of
from trajectories.tables import read_table

MARGIN = 0.03
"""Inches between the titles and the edge of the figure."""

STRONG: Mapping[str, Any] = {"linewidth": 1.2}
WEAK: Mapping[str, Any] = {"linewidth": 0.6, "alpha": 0.55}

Trends = Mapping[tuple[str, str], Mapping[str, Any]]


def draw_models(
    accuracy: Path | str,
    trends: Path | str,
    tasks: Sequence[TaskLabel],
    out: Sequence[Path | str],
    *,
    alpha: float = 0.05,
    names: Names | None = None,
    width: Column = "two",
) -> None:
    """Draw every trajectory by itself: blue gets better, orange worse; thin and pale where that is not significant.

    Grey has too few steps or none that differ (corrected p of `trends.tsv`). Panels of one task share their y axis. A
    dot marks the best checkpoint where the drop from it to the last one is significant.
    """
    values, table = renamed(read_accuracy(accuracy), names), renamed(read_table(trends, "trends"), names)
    with figure_style():
        save(models_figure(values, table, tasks, alpha=alpha, width=width), out)


def trend_look(trend: float, p: float, alpha: float, sign: float = 1.0) -> dict[str, Any]:
    """Return how a line is drawn: coloured by where it goes, strong where p < `alpha`; grey where p is missing.

    `sign` is -1 for a metric of which less is better.
    """
    if pd.isna(p) or trend == 0:
        return {"color": NONE, **WEAK}
    return {"color": RISE if sign * trend > 0 else FALL, **(STRONG if p < alpha else WEAK)}


def models_figure(
    accuracy: pd.DataFrame, trends: pd.DataFrame, tasks: Sequence[TaskLabel], *, alpha: float, width: Column
) -> Figure:
    """Return the figure of `draw_models` from tables already read; the largest model is on top."""
    models = models_by_size(accuracy)[::-1]
    found: Trends = {(str(row["model"]), str(row["task"])): row for row in records(trends)}
    height = 0.42 * len(models) + 0.35
    figure = new_figure(width, height)
    panels = figure.subplots(len(models), len(tasks), sharex=True, sharey="col", squeeze=False)
    for down, model in enumerate(models):
        for across, label in enumerate(tasks):
            rows = panel_rows(accuracy, label)
            _draw_line(panels[down][across], rows[rows["model"] == model], found.get((model, label.task)), alpha)
        panels[down][0].set_ylabel(model, rotation=0, ha="right", va="center", fontsize=5.5)
    titles = [_title(panel, label.label) for panel, label in zip(panels[0], tasks, strict=True)]
    legend_below(figure, _legend())
    _make_room(figure, titles)
    return figure


def _title(panel: Axes, text: str) -> Annotation:
    title = panel.annotate(
        text, (0.12, 1.12), xycoords="axes fraction", rotation=35, ha="left", va="bottom",
        rotation_mode="anchor", fontsize=5.5, annotation_clip=False,
    )  # fmt: skip
    title.set_in_layout(False)  # a long slanted title would push its column away from the next
    return title


def _make_room(figure: Figure, titles: Sequence[Annotation]) -> None:
    """Give titles that reach beyond the figure the room they need: make it higher, or its panels narrower."""
    figure.draw_without_rendering()
    ends = [title.get_window_extent() for title in titles]
    above = max(0.0, MARGIN + (max(end.y1 for end in ends) - figure.bbox.y1) / figure.dpi)
    beside = max(0.0, MARGIN + (max(end.x1 for end in ends) - figure.bbox.x1) / figure.dpi)
    width, height = figure.get_figwidth(), figure.get_figheight() + above
    figure.set_figheight(height)
    figure.set_layout_engine("constrained", rect=(0, 0, 1 - beside / width, 1 - above / height))


def _draw_line(panel: Axes, line: pd.DataFrame, trend: Mapping[str, Any] | None, alpha: float) -> None:
    given = trend or {"trend": 0.0, "p_fdr": 1.0, "drop_p_fdr": 1.0, "best_step": -1, "metric": "accuracy"}
    look = trend_look(given["trend"], given["p_fdr"], alpha, sign_of(given["metric"]))
    panel.set_xscale("log")
    panel.plot(token_positions(line["tokens"]), line["value"], **look)
    if given["drop_p_fdr"] < alpha:
        best = line[line["step"] == given["best_step"]]
        panel.scatter(token_positions(best["tokens"]), best["value"], s=7, color=GREY, zorder=3, linewidths=0)
    panel.tick_params(which="both", length=0, labelbottom=False, labelleft=False)
    panel.margins(0.08, 0.12)
    for spine in panel.spines.values():
        spine.set(visible=True, color=PALE)


def _legend() -> list[Line2D]:
    lines: list[tuple[str, dict[str, Any]]] = [
        ("gets better", {"color": RISE, **STRONG}),
        ("gets worse", {"color": FALL, **STRONG}),
        ("pale: not significant", {"color": RISE, **WEAK}),
        ("too few steps", {"color": NONE, **WEAK}),
        ("best, significantly above last", {"color": GREY, "linestyle": "", "marker": ".", "markersize": 4}),
    ]
    return [Line2D([], [], label=label, **look) for label, look in lines]

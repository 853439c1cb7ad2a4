"""Small multiples: a row per model, a column per task; colour says where a trend goes, strength whether it is sure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation

from trajectories.analysis.points import records
from trajectories.figures.panels import legend_below
from trajectories.figures.shown import (
    Names,
    TaskLabel,
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

TALLEST_BAND, LOWEST_BAND, HIGHEST_FIGURE = 0.42, 0.13, 9.0
"""Inches of one model's band, and of all of them before bands grow low."""

INSET = 0.12
"""Share of a band above and below its line."""

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

    Grey has too few steps or none that differ (corrected p of `trends.tsv`). The bands of one task share their scale. A
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
    """Return the figure of `draw_models` from tables already read; the largest model is on top.

    One axes per task holds the bands of all models: hundreds of axes take minutes to draw.
    """
    models = models_by_size(accuracy)[::-1]
    found: Trends = {(str(row["model"]), str(row["task"])): row for row in records(trends)}
    band = min(TALLEST_BAND, max(LOWEST_BAND, HIGHEST_FIGURE / len(models)))
    figure = new_figure(width, band * len(models) + 0.35)
    panels = figure.subplots(1, len(tasks), squeeze=False)[0]
    places = {model: len(models) - 1 - down for down, model in enumerate(models)}
    for panel, label in zip(panels, tasks, strict=True):
        looks = {model: _looks(found.get((model, label.task)), alpha) for model in models}
        _draw_task(panel, panel_rows(accuracy, label), places, looks)
    size = min(5.5, 0.72 * 72 * band)
    panels[0].set_yticks([place + 0.5 for place in places.values()], list(places), fontsize=size)
    titles = [_title(panel, label.label, 0.05 + 0.12 / len(models)) for panel, label in zip(panels, tasks, strict=True)]
    legend_below(figure, _legend())
    _make_room(figure, titles)
    return figure


@dataclass(frozen=True)
class _Looks:
    """How a model's line in one task is drawn, and the step that gets a dot, if one does."""

    line: Mapping[str, Any]
    dot: int | None


def _looks(trend: Mapping[str, Any] | None, alpha: float) -> _Looks:
    if trend is None:
        return _Looks(trend_look(0.0, 1.0, alpha), None)
    line = trend_look(trend["trend"], trend["p_fdr"], alpha, sign_of(trend["metric"]))
    return _Looks(line, int(trend["best_step"]) if trend["drop_p_fdr"] < alpha else None)


def _draw_task(panel: Axes, rows: pd.DataFrame, places: Mapping[str, int], looks: Mapping[str, _Looks]) -> None:
    """Draw a task's lines, each in its model's band; all share the task's range of values."""
    low, high = float(rows["value"].min()), float(rows["value"].max())
    spread = (high - low) or 1.0
    place = rows["model"].map(places).to_numpy(float)
    drawn = rows.assign(
        x=np.log10(token_positions(rows["tokens"]).to_numpy(float)),
        y=place + INSET + (1 - 2 * INSET) * (rows["value"].to_numpy(float) - low) / spread,
    )
    for model, line in drawn.groupby("model", sort=False):
        look = looks[str(model)]
        panel.plot(line["x"], line["y"], **look.line)
        if look.dot is not None:
            best = line[line["step"] == look.dot]
            panel.plot(best["x"], best["y"], marker="o", markersize=2.4, markeredgewidth=0, color=GREY, zorder=3)
    panel.hlines(
        range(1, len(places)), 0, 1, transform=panel.get_yaxis_transform(), color=PALE, linewidth=0.5, zorder=1
    )
    panel.set_ylim(0, len(places))
    panel.margins(x=0.08)
    panel.set_yticks([])
    panel.set_xticks([])
    panel.tick_params(which="both", length=0)
    for spine in panel.spines.values():
        spine.set(visible=True, color=PALE)


def _title(panel: Axes, text: str, above: float) -> Annotation:
    title = panel.annotate(
        text, (0.12, 1 + above / 4), xycoords="axes fraction", rotation=35, ha="left", va="bottom",
        rotation_mode="anchor", fontsize=5.5, annotation_clip=False,
    )  # fmt: skip
    title.set_in_layout(False)  # a long slanted title would push its column away from the next
    return title


def _make_room(figure: Figure, titles: Sequence[Annotation]) -> None:
    """Give titles that reach beyond the figure the room they need: make it higher, or its panels narrower."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    ends = [title.get_window_extent() for title in titles]
    above = max(0.0, MARGIN + (max(end.y1 for end in ends) - figure.bbox.y1) / figure.dpi)
    beside = max(0.0, MARGIN + (max(end.x1 for end in ends) - figure.bbox.x1) / figure.dpi)
    width, height = figure.get_figwidth(), figure.get_figheight() + above
    figure.set_figheight(height)
    figure.set_layout_engine(
        "constrained", rect=(0, 0, 1 - beside / width, 1 - above / height), w_pad=0.01, wspace=0.01
    )


def _legend() -> list[Line2D]:
    lines: list[tuple[str, dict[str, Any]]] = [
        ("gets better", {"color": RISE, **STRONG}),
        ("gets worse", {"color": FALL, **STRONG}),
        ("pale: not significant", {"color": RISE, **WEAK}),
        ("too few steps", {"color": NONE, **WEAK}),
        ("best, significantly above last", {"color": GREY, "linestyle": "", "marker": ".", "markersize": 4}),
    ]
    return [Line2D([], [], label=label, **look) for label, look in lines]

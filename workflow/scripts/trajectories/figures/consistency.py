"""Checkpoints by their scores: a map of distances per model, its steps on both axes."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trajectories.figures.colours import SEQUENTIAL
from trajectories.figures.shown import Names, renamed
from trajectories.figures.style import FALL, Column, figure_style, new_figure, save
from trajectories.tables import read_table

MOST_TICKS = 12


def draw_consistency(
    distances: Path | str,
    consistency: Path | str,
    out: Sequence[Path | str],
    *,
    names: Names | None = None,
    width: Column = "two",
) -> None:
    """Draw `distances.tsv`, one map per model, smallest model first; steps that `consistency.tsv` flags are marked."""
    apart = renamed(read_table(distances, "distances"), names)
    judged = renamed(read_table(consistency, "consistency"), names)
    with figure_style():
        save(consistency_figure(apart, judged, width=width), out)


def consistency_figure(distances: pd.DataFrame, consistency: pd.DataFrame, *, width: Column) -> Figure:
    """Return the figure of `draw_consistency` from tables already read."""
    sized = consistency.drop_duplicates("model").sort_values("parameters", kind="stable")
    models = [str(model) for model in sized["model"] if model in set(distances["model"])]
    across = min(max(1, len(models)), 4 if width == "two" else 2)
    down = max(1, ceil(len(models) / across))
    figure = new_figure(width, (1.55 if width == "two" else 1.5) * down + 0.2)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for spare in panels[len(models) :]:
        spare.remove()
    if not models:
        panels = figure.subplots(1, 1, squeeze=False).ravel()
        panels[0].text(0.5, 0.5, "no model has two scored checkpoints", ha="center", transform=panels[0].transAxes)
        panels[0].set_axis_off()
    for panel, model in zip(panels, models, strict=False):
        judged = consistency[consistency["model"] == model].sort_values("step")
        _draw_model(panel, distances[distances["model"] == model], judged, model)
    return figure


def _draw_model(panel: Axes, pairs: pd.DataFrame, judged: pd.DataFrame, model: str) -> None:
    steps = [int(step) for step in judged["step"]]
    panel.imshow(_matrix(pairs, steps), cmap=SEQUENTIAL, vmin=0, interpolation="nearest")
    panel.set_title(model, loc="left")
    shown = range(0, len(steps), ceil(len(steps) / MOST_TICKS))
    stray = [place for place, flag in enumerate(judged["flag"]) if flag != ""]
    ticks = sorted({*shown, *stray})
    texts = [str(steps[place]) for place in ticks]
    panel.set_xticks(ticks, texts, rotation=90, fontsize=4.5)
    panel.set_yticks(ticks, texts, fontsize=4.5)
    for labels in (panel.get_xticklabels(), panel.get_yticklabels()):
        for place, label in zip(ticks, labels, strict=True):
            if place in stray:
                label.set_color(FALL)
                label.set_fontweight("bold")
    panel.tick_params(length=1)


def _matrix(pairs: pd.DataFrame, steps: Sequence[int]) -> np.ndarray:
    """Return the distances of one model as a symmetric matrix; what is missing is missing."""
    place = {step: at for at, step in enumerate(steps)}
    matrix = np.full((len(steps), len(steps)), np.nan)
    np.fill_diagonal(matrix, 0.0)
    a, b = pairs["step"].map(place), pairs["other"].map(place)
    matrix[a, b] = matrix[b, a] = pairs["distance"]
    return matrix

"""The x axis of a trajectory: tokens or compute on a log scale, or the loss, falling to the right."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from trajectories.figures.panels import token_axis
from trajectories.figures.shown import token_positions, token_text

MARGIN = 0.04
"""Of a linear axis, beyond the first and the last point."""


def positions(x: pd.Series, axis: str) -> "pd.Series[Any]":
    """Return where the points of one line stand; step 0, which has no logarithm, left of the smallest."""
    return x.astype(float) if axis == "loss" else token_positions(x)


def set_axis(panel: Axes, x: pd.Series, axis: str) -> None:
    """Make the x axis of a panel hold all points of the figure."""
    if axis != "loss":
        token_axis(panel, x, token_text if axis == "tokens" else _operations)
        return
    low, high = float(x.min()), float(x.max())
    beyond = MARGIN * (high - low or 1.0)
    panel.set_xlim(high + beyond, low - beyond)
    panel.xaxis.set_major_locator(MaxNLocator(4))


def logarithmic(panel: Axes) -> None:
    """Put the values of a panel that is drawn on a log axis, named by plain numbers."""
    panel.set_yscale("log")
    low, high = panel.get_ylim()
    decades = high / low >= 10
    panel.yaxis.set_major_locator(LogLocator() if decades else MaxNLocator(4))
    panel.yaxis.set_minor_locator(LogLocator(subs="auto") if decades else NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())


def title(axis: str, text: str = "") -> str:
    """Return what the axis shows; `text` is the display name of the running text."""
    if axis == "loss":
        return f"{text}: bits per byte, falling to the right"
    return "Training tokens" if axis == "tokens" else "Training compute (6 × parameters × tokens, FLOPs)"


def _operations(number: float) -> str:
    return f"{number:.0e}".replace("e+", "e")

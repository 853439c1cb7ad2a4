"""The tick through points of a model that gives the same answer to everything."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

_COLOUR = "#000000"  # on every colour of a model


def tick(panel: Axes, x: Sequence[float] | Any, y: Sequence[float] | Any) -> None:
    """Draw a tick through points."""
    panel.scatter(x, y, s=14, marker="|", color=_COLOUR, linewidths=0.6, zorder=6)


def tick_handle() -> Line2D:
    """Return the tick as a legend shows it."""
    return Line2D([], [], color=_COLOUR, label="constant answers", marker="|", markersize=5, linestyle="none")

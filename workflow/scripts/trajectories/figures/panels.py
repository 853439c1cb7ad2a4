"""What figures with a panel per task share: panels and their titles, the axis of tokens, legends."""

from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from trajectories.figures.shown import TaskLabel, token_positions, token_text
from trajectories.figures.style import Column, new_figure
from trajectories.study.metrics import label_of

TEXT_WIDTH = 0.56
"""Mean width of a letter of the figures' type, as a share of its size."""

BESIDE_TITLE, SMALLEST_TITLE = 32, 5.5
"""Points of a panel's width that its tick labels take, and the type size below which a title takes two lines."""


def columns_for(panels: int, width: Column) -> int:
    """Return how many panels stand side by side: three to five across a page, by which row's end stays least empty.

    Of equals, the one nearest to four, then the one with fewer rows; two across a column.
    """
    if width == "one" or panels <= 4:
        return min(panels, 2 if width == "one" else 4)
    return min((5, 4, 3), key=lambda across: (-panels % across, abs(across - 4)))


def facets(labels: Sequence[TaskLabel], width: Column, height: float = 1.25) -> tuple[Figure, Iterator[Axes]]:
    """Return a figure with one empty panel per label in reading order, in as many columns as `columns_for` says.

    `height` is that of one panel in inches. Unused panels of the last row are removed.
    """
    across = columns_for(len(labels), width)
    down = ceil(len(labels) / across)
    figure = new_figure(width, height * down + 0.55)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for spare in axes[len(labels) :]:
        spare.remove()
    alike = len({label_of(label.metric) for label in labels}) == 1
    for panel, label in zip(axes, labels, strict=False):
        title = label.label if alike else label.titled
        text, size = _fitting(title, figure.get_figwidth() / across)
        panel.set_title(text, loc="left", fontsize=size)
        _without_names(panel)
    return figure, iter(axes[: len(labels)])


def _without_names(panel: Axes) -> None:
    """Give the names of a panel's axes, which are empty, a place: Matplotlib need not seek one in each draw."""
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_label_coords(0, 0)


def legend_above(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put a legend above all panels, in as few even rows as its longest name allows."""
    _legend(figure, handles, "outside upper center")


def legend_below(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put the same legend below all panels."""
    _legend(figure, handles, "outside lower center")


def _legend(figure: Figure, handles: Sequence[Artist], place: Any) -> None:
    longest = max(len(str(handle.get_label())) for handle in handles)
    across = max(1, int(figure.get_figwidth() * 72 / (longest * TEXT_WIDTH * 6.5 + 24)))
    rows = ceil(len(handles) / across)
    figure.legend(
        handles=list(handles), loc=place, ncols=ceil(len(handles) / rows), frameon=False,
        handlelength=1.4, columnspacing=1.0, handletextpad=0.4,
    )  # fmt: skip


def _fitting(text: str, inches: float) -> tuple[str, float]:
    """Return a title that fits a panel `inches` wide with its tick labels, and its size: small, then on two lines."""
    room = (inches * 72 - BESIDE_TITLE) / TEXT_WIDTH
    size = min(7.0, room / len(text))
    if size < SMALLEST_TITLE and " " in text:
        text = min((f"{text[:at]}\n{text[at + 1 :]}" for at, letter in enumerate(text) if letter == " "), key=_longest)
        size = min(6.5, room / _longest(text))
    return text, max(4.5, size)


def _longest(text: str) -> int:
    return max(map(len, text.split("\n")))


def token_axis(panel: Axes, tokens: pd.Series, text: Callable[[float], str] = token_text) -> None:
    """Make the x axis of `panel` logarithmic in tokens, with whole powers of ten named by `text` and step 0 as 0."""
    places = token_positions(tokens)
    low, high = float(places.min()), float(places.max())
    panel.set_xscale("log")
    panel.set_xlim(low / 1.25, high * 1.25)
    powers = [10.0**power for power in range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)]
    zero = [low] if (tokens == 0).any() else []
    first = low * 10**0.45 if zero else low / 1.25  # a power nearer to step 0 would be written over its mark
    inside = [power for power in powers if first <= power <= high * 1.25]
    marks = zero + _thinned(inside if len(inside) > 1 else [low, high], 4)
    panel.xaxis.set_major_locator(FixedLocator(marks))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: "0" if zero and x == low else text(x)))
    panel.xaxis.set_minor_formatter(NullFormatter())


def _thinned(marks: list[float], most: int) -> list[float]:
    return marks[:: ceil(len(marks) / most)] if len(marks) > most else marks

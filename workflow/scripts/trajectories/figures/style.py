"""How every printed figure looks: sizes, type, colours, files. Nothing about looks is decided elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from trajectories.files import whole_file

Column = Literal["one", "two"]

WIDTHS: Mapping[Column, float] = {"one": 3.03, "two": 6.3}
"""Inches: the column and the text width of an ACL page (7.7 cm and 16 cm)."""

COLUMNS: Mapping[int, Column] = {1: "one", 2: "two"}
"""How the config says it."""

PRINT_DPI = 450
GREY = "#6b6b6b"
PALE = "#dcdcdc"
RISE, FALL, NONE = "#0072b2", "#d55e00", "#8a8a8a"
"""Up, down, neither: blue and vermilion of Okabe and Ito's palette, told apart by every kind of colour vision."""

DIVERGING, SEQUENTIAL = "PuOr", "viridis"

_SETTINGS: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 7.0,
    "text.parse_math": False,  # a dollar sign in a task's name is a dollar sign
    "axes.titlesize": 7.0,
    "axes.labelsize": 7.0,
    "xtick.labelsize": 6.0,
    "ytick.labelsize": 6.0,
    "legend.fontsize": 6.5,
    "axes.linewidth": 0.5,
    "axes.edgecolor": "#4a4a4a",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlepad": 3.0,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.minor.size": 1.0,
    "xtick.minor.width": 0.3,
    "lines.linewidth": 0.9,
    "lines.solid_capstyle": "round",
    "pdf.fonttype": 42,  # TrueType: text stays text, which journals ask for
    "svg.fonttype": "none",
    "svg.hashsalt": "trajectories",  # the same table gives the same bytes
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw in the house style inside this block; settings outside are untouched."""
    with matplotlib.rc_context(_SETTINGS):
        yield


def new_figure(width: Column, height: float) -> Figure:
    """Return an empty figure of the given column width, `height` in inches. No pyplot, hence no global state."""
    return Figure(figsize=(WIDTHS[width], height), layout="constrained")


def model_colours(models: Sequence[str]) -> dict[str, str]:
    """Return a hex colour per model, in the order given (smallest first): light to dark.

    The colours are equal steps of viridis, whose lightness falls monotonically, so the order survives every kind of
    colour vision and a grey print; the palest fifth is left out because it vanishes on white.
    """
    ramp = colormaps[SEQUENTIAL].reversed()
    last = max(len(models) - 1, 1)
    return {model: to_hex(ramp(0.12 + 0.88 * place / last)) for place, model in enumerate(models)}


def run_colours(sizes: Mapping[str, str]) -> dict[str, str]:
    """Return a hex colour per model, in the order given, from model → size: runs of a size share theirs."""
    of_size = model_colours(list(dict.fromkeys(sizes.values())))
    return {model: of_size[size] for model, size in sizes.items()}


def save(figure: Figure, out: Sequence[Path | str]) -> None:
    """Write `figure` once per path, whole or not at all; the suffix (pdf, svg, png) says the format.

    Files carry no date, so drawing the same table twice gives the same bytes.
    """
    undated: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    for path in map(Path, out):
        kind = path.suffix.lstrip(".")
        with whole_file(path) as part:
            figure.savefig(part, format=kind, dpi=PRINT_DPI, metadata=undated[kind])

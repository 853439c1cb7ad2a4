"""How every printed figure looks: sizes, type, files. Only which line has which colour is in `colours`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
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
    "axes.titley": 1.0,  # nothing stands above a panel, which Matplotlib would find out in each draw by measuring ticks
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.minor.size": 1.0,
    "xtick.minor.width": 0.3,
    "lines.linewidth": 0.9,
    "lines.solid_capstyle": "round",
    "pdf.fonttype": 42,  # TrueType: text stays text, which journals ask for
    "image.composite_image": False,  # pages keep each map apart, not one picture of the whole page in the finest pixels
    "svg.fonttype": "none",
    "svg.hashsalt": "trajectories",  # the same table gives the same bytes
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw in the house style inside this block; settings outside are untouched."""
    with matplotlib.rc_context(_SETTINGS):
        yield


def new_figure(width: Column, height: float, *, laid_out: bool = True) -> Figure:
    """Return an empty figure of the given column width, `height` in inches. No pyplot, hence no global state.

    What is not `laid_out` by Matplotlib says itself where everything stands.
    """
    return Figure(figsize=(WIDTHS[width], height), layout="constrained" if laid_out else None)


def save(figure: Figure, out: Sequence[Path | str]) -> None:
    """Write `figure` once per path, whole or not at all; the suffix (pdf, svg, png) says the format.

    Files carry no date, so drawing the same table twice gives the same bytes. Panels are laid out once for all files,
    and each file is drawn once: `savefig` would do both anew for each, and draw twice. Pictures are packed in
    two thirds of the time that the best packing takes, and are 8 to 35 % larger.
    """
    figure.set_dpi(PRINT_DPI)  # in the finest pixels, whose rounding moves text least
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    figure.set_layout_engine("none")
    for path in map(Path, out):
        figure.set_dpi(PRINT_DPI)  # that of pictures within a page; the pages' own canvases set theirs
        with whole_file(path) as part:
            _WRITERS[path.suffix](figure, part)


_WRITERS: Mapping[str, Callable[[Any, Path], None]] = {
    ".pdf": lambda figure, path: _untyped(FigureCanvasPdf(figure)).print_pdf(path, metadata={"CreationDate": None}),
    ".svg": lambda figure, path: _untyped(FigureCanvasSVG(figure)).print_svg(path, metadata={"Date": None}),
    ".png": lambda figure, path: _untyped(FigureCanvasAgg(figure)).print_png(path, pil_kwargs={"compress_level": 3}),
}


def _untyped(canvas: Any) -> Any:
    """Return a canvas whose methods, as Matplotlib's are, have no types."""
    return canvas

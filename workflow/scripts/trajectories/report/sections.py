"""The sections of the page, made from whichever tables and figures the study has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trajectories.report.embed import data_url
from trajectories.report.grids import Grid, grid
from trajectories.report.texts import FIGURES, TABLES
from trajectories.tables import read_table


@dataclass(frozen=True)
class Picture:
    """A printed figure inside the page, with its files to take away as (format, data URL)."""

    name: str
    title: str
    caption: str
    image: str
    downloads: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Block:
    """A table under its heading; `folded` ones open on a click."""

    title: str
    caption: str
    grid: Grid
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """One chapter of the page: its anchor, heading, pictures and tables."""

    anchor: str
    title: str
    pictures: tuple[Picture, ...] = ()
    blocks: tuple[Block, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.pictures or self.blocks)


CHAPTERS: Sequence[tuple[str, str, Sequence[str], Sequence[str]]] = (
    ("effects", "Size and training", ("coefficients", "surface"), ("regression",)),
    ("trends", "Single models", ("models",), ("trends", "declines")),
    ("shapes", "Shapes and breaks", (), ("shapes", "breaks")),
    ("robustness", "Does it hold?", (), ("survival", "sensitivity", "power")),
    ("replication", "Replication", ("replication",), ("compare_summary", "compare")),
    ("questions", "Questions", (), ("losses", "fates", "flips", "overlap")),
    ("audit", "Audit", (), ("checkpoints", "imported")),
)
"""Chapters after the first: anchor, heading, figures, tables (kinds of `tables.COLUMNS`)."""

FOLDED = frozenset({"regression", "sensitivity", "compare", "flips", "overlap", "breaks", "accuracy", "imported"})
"""Tables long enough to be in the way until wanted."""


def picture(name: str, files: Iterable[Path]) -> Picture:
    """Return a printed figure from its files; the SVG is shown, every format can be taken away."""
    paths = sorted(map(Path, files), key=lambda path: path.suffix)
    shown = next(path for path in paths if path.suffix == ".svg")
    text = FIGURES[name]
    taken = tuple((path.suffix.lstrip("."), data_url(path)) for path in paths if path.suffix != ".png")
    return Picture(name, text.title, text.caption, data_url(shown), taken)


def block(kind: str, path: Path | str, labels: Mapping[str, str]) -> Block:
    """Return the table of that kind with its heading and caption."""
    text = TABLES[kind]
    table = read_table(path, kind)
    shown = grid(table, kind, text.columns or None, text.titles, labels)
    return Block(text.title, text.caption, shown, kind in FOLDED)


def chapters(
    tables: Mapping[str, Path], figures: Mapping[str, Sequence[Path]], labels: Mapping[str, str]
) -> tuple[Section, ...]:
    """Return the chapters for which a table with rows, or a figure, is there."""
    made = (
        Section(
            anchor,
            title,
            tuple(picture(name, figures[name]) for name in shown if name in figures),
            tuple(
                filled for kind in kinds if kind in tables and (filled := block(kind, tables[kind], labels)).grid.rows
            ),
        )
        for anchor, title, shown, kinds in CHAPTERS
    )
    return tuple(section for section in made if section)

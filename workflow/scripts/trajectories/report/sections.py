"""The sections of the page, made from whichever tables and figures the study has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trajectories.analysis.ways import matrix
from trajectories.checkpoints.notes import SOUND, anomalous, anomaly_note, order_note
from trajectories.report.embed import data_url
from trajectories.report.grids import Grid, grid
from trajectories.report.texts import FIGURES, TABLES
from trajectories.tables import read_table


@dataclass(frozen=True)
class Picture:
    """A printed figure: the SVG inside the page, as a data URL, and the place of the PDF beside it."""

    name: str
    title: str
    caption: str
    image: str
    pdf: str


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
    ("effects", "Size and training", ("coefficients", "surface", "compute"), ("regression", "by_axis")),
    ("trends", "Single models", ("models",), ("trends", "declines")),
    ("shapes", "Shapes and breaks", (), ("ways", "protocols", "shapes", "breaks")),
    ("robustness", "Does it hold?", (), ("survival", "effects", "premises", "variation", "sensitivity", "power")),
    ("replication", "Replication", ("replication",), ("compare_summary", "differing", "compare")),
    ("questions", "Questions", (), ("losses", "texts", "fates", "flips", "overlap")),
    ("tasks", "Tasks", (), ("tasks",)),
    ("audit", "Audit", ("consistency",), ("checkpoints", "consistency", "twins", "import_notes", "imported", "speed")),
)
"""Chapters after the first: anchor, heading, figures, tables (kinds of `tables.COLUMNS`)."""

FOLDED = frozenset(
    {
        "regression",
        "sensitivity",
        "effects",
        "variation",
        "compare",
        "flips",
        "protocols",
        "texts",
        "overlap",
        "breaks",
        "shapes",
        "trends",
        "imported",
        "consistency",
    }
)
"""Tables long enough to be in the way until wanted."""


RESULT: Mapping[str, str] = {"power": "smallest"}
"""Tables whose rows without a result are told in a sentence, and the column of the result."""

MOST_ROWS = 3000
"""Longer tables make a browser slow and a page heavy; the file lies beside the page."""


def picture(name: str, files: Iterable[Path]) -> Picture:
    """Return a printed figure from its files, an SVG and a PDF among them; they lie in `figures/` beside the page."""
    found = {path.suffix: path for path in map(Path, files)}
    pdf = f"figures/{found['.pdf'].name}"
    return Picture(name, FIGURES[name].title, FIGURES[name].caption, data_url(found[".svg"]), pdf)


def block(kind: str, table: pd.DataFrame, labels: Mapping[str, str], alpha: float = 0.05, footnote: str = "") -> Block:
    """Return the table of that kind with its heading, caption and footnote."""
    text = TABLES[kind]
    note = audit_note(table) if kind == "checkpoints" else footnote
    table, missing = with_results(table, kind)
    table, short = shortened(table, kind)
    note = " ".join(part for part in (note, missing, short) if part)
    shown = grid(table, kind, text.columns or None, text.titles, labels, note, alpha)
    return Block(text.title, text.caption, shown, kind in FOLDED)


def with_results(table: pd.DataFrame, kind: str) -> tuple[pd.DataFrame, str]:
    """Return the table without rows that have a reason in place of their number, and the reasons in a sentence."""
    if kind not in RESULT:
        return table, ""
    without = table[RESULT[kind]].isna()
    reasons = table.loc[without, "reason"].fillna("").astype(str).value_counts()
    named = [f"{reason} ({count})" for reason, count in reasons.items() if reason]
    said = f"{int(without.sum())} rows have no number{': ' if named else ''}{'; '.join(named)}."
    return table[~without], said if without.any() else ""


def shortened(table: pd.DataFrame, kind: str) -> tuple[pd.DataFrame, str]:
    """Return what a page can show of a table, and a sentence on what it leaves to the file beside it."""
    if len(table) <= MOST_ROWS:
        return table, ""
    kept = {
        "flips": lambda: table[table["kind"] == "best-last"],
        "checkpoints": lambda: table[~table["status"].isin(SOUND)],
    }.get(kind, lambda: table.iloc[:0])()
    left = {"flips": "from best to last", "checkpoints": "that are not ok"}.get(kind, "none")
    return kept.iloc[:MOST_ROWS], f"Shown of {len(table):,} rows: {left}; all are in {kind}.tsv."


def audit_note(checkpoints: pd.DataFrame) -> str:
    """Return how many checkpoints the audit found wrong, and how many were left out for it."""
    wrong, recovered = len(anomalous(checkpoints)), int((checkpoints["status"] == "recovered").sum())
    out = int((checkpoints["used"].astype(str).str.lower() != "true").sum())
    said = [f"{wrong} of {len(checkpoints)} checkpoints are not ok; {out} are left out."] if wrong + out else []
    said += [f"{recovered} were recovered from elsewhere: see detail."] if recovered else []
    return " ".join(said) or "All are ok."


def differing(compared: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of `compare.tsv` that differ from the reference, the surest first."""
    return compared[compared["verdict"].str.endswith("than the reference")].sort_values("p", kind="stable")


def chapters(
    tables: Mapping[str, Path], figures: Mapping[str, Sequence[Path]], labels: Mapping[str, str], alpha: float
) -> tuple[Section, ...]:
    """Return the chapters for which a table with rows, or a figure, is there."""
    read = {kind: read_table(path, kind) for kind, path in tables.items() if kind in TABLES}
    if "compare" in read:
        read["differing"] = differing(read["compare"])
    if "protocols" in read and len(read["protocols"]):
        read["ways"] = matrix(read["protocols"])
    if "declines" in read:  # the largest model is the one to ask about first
        read["declines"] = read["declines"].sort_values("parameters", ascending=False, kind="stable")
    notes = [anomaly_note(read["checkpoints"]) if "checkpoints" in read else ""]
    notes += [order_note(read["consistency"]) if "consistency" in read else ""]
    footnote = " ".join(filter(None, notes))
    made = (
        Section(
            anchor,
            title,
            tuple(picture(name, figures[name]) for name in shown if name in figures),
            tuple(
                block(kind, read[kind], labels, alpha, footnote) for kind in kinds if kind in read and len(read[kind])
            ),
        )
        for anchor, title, shown, kinds in CHAPTERS
    )
    return tuple(section for section in made if section)

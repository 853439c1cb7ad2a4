"""Tables as the page shows them: cells with a text to read and a value to sort by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trajectories.figures.shown import token_text
from trajectories.tables import many_lines

MISSING = "–"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

WORDS: Mapping[str, str] = {
    "holds": "agrees", "lost": "differs", "appears": "differs", "positive": "better", "inverse": "worse",
    "U": "turning", "inverted-U": "turning", "replicates": "agrees", "identical": "agrees",
    "better": "better", "worse": "worse", "higher than the reference": "better", "lower than the reference": "worse",
}  # fmt: skip
"""Words of the tables that are coloured, and their style."""


@dataclass(frozen=True)
class Cell:
    """One cell: what is shown, what it sorts by, and a style class of `report.css` (or none)."""

    text: str
    sort: float | str
    style: str = ""

    @property
    def hidden_sort(self) -> str:
        """What the page must say to sort by, beside the text: nothing where the text says it, ten digits at most."""
        if isinstance(self.sort, str):
            return "" if self.sort == self.text else self.sort
        value = f"{self.sort:.10g}"
        return "" if value == self.text.replace("\u2009", "").replace("\u2212", "-") else value


@dataclass(frozen=True)
class Grid:
    """One table of the page. `numeric` says per column whether it is set flush right."""

    name: str
    titles: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


TASK_COLUMNS = frozenset({"task", "tasks", "name"})

TEXT_COLUMNS = frozenset({"context", "truth", "lure", "text", "answer"})
"""Texts of questions and models, which tables hold on one line."""

Format = Callable[[object], str]


def p_text(value: object) -> str:
    """Write a p-value: three decimals, `<0.001` below."""
    p = float(str(value))
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def number_text(value: object) -> str:
    """Write a number: whole ones in full with thin spaces between thousands, others to four digits, 2.8·10¹⁹."""
    number = float(str(value))
    if number.is_integer() and abs(number) < 1e12:
        text = f"{int(number):,}".replace(",", "\u2009")
    elif 1e6 <= abs(number) < 1e15:
        text = token_text(number)
    else:
        digits, _, power = f"{number:.4g}".partition("e")
        text = digits + (f"\u00b710{str(int(power)).translate(_RAISED)}" if power else "")
    return text.replace("-", "\u2212")


def size_text(value: object) -> str:
    """Write a count of tokens or parameters: 300B, 1.4B."""
    return token_text(float(str(value)))


def format_of(column: str) -> Format:
    """Return how a column of one of the tidy tables is written, by its name."""
    if column == "p" or column.startswith("p_") or column.endswith(("_p", "_p_fdr", "_p_cluster")):
        return p_text
    if column in ("tokens", "parameters", "bytes") or column.endswith("_tokens"):
        return size_text
    return number_text


def grid(
    table: pd.DataFrame,
    name: str,
    columns: Sequence[str] | None = None,
    titles: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    note: str = "",
    alpha: float = 0.05,
) -> Grid:
    """Return `table` as a `Grid`, in the given columns; empty ones are left out.

    `titles` are column headings where the name with spaces for underscores will not do; `labels` are display names of
    tasks, used in `TASK_COLUMNS`. P-values below `alpha` stand out.
    """
    wanted = [c for c in (columns or list(table.columns)) if c in table.columns and not _empty(table[c])]
    shown = table[wanted].copy()
    for column in TASK_COLUMNS & set(wanted):
        shown[column] = [_named(str(names), labels or {}) for names in shown[column].fillna("")]
    for column in TEXT_COLUMNS & set(wanted):
        shown[column] = [many_lines(str(text)) for text in shown[column].fillna("")]
    if "context" in wanted:
        shown["context"] = [ending(str(context)) for context in shown["context"].fillna("")]
    numeric = tuple(pd.api.types.is_numeric_dtype(shown[c]) and not _boolean(shown[c]) for c in wanted)
    cells = [
        [cell(value, format_of(column) if number else str, alpha) for value in shown[column].tolist()]
        for column, number in zip(wanted, numeric, strict=True)
    ]
    heads = tuple((titles or {}).get(column, column.replace("_", " ")) for column in wanted)
    return Grid(name, heads, numeric, tuple(zip(*cells, strict=True)), note)


def ending(text: str, most: int = 240) -> str:
    """Return the end of a long text, which is where a context puts its question."""
    return text if len(text) <= most else "… " + text[-most:].lstrip()


def cell(value: Any, written: Format, alpha: float = 0.05) -> Cell:
    """Return one cell; a missing value is a dash and sorts last."""
    if value is None or value == "" or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return Cell(MISSING, "")
    if isinstance(value, bool):
        return Cell("yes" if value else "no", str(value))
    text = written(value)
    if isinstance(value, int | float):
        return Cell(text, value, "significant" if written is p_text and value < alpha else "")
    return Cell(text, text, WORDS.get(text, ""))


def _named(names: str, labels: Mapping[str, str]) -> str:
    return ", ".join(labels.get(name, name) for name in names.split(", "))


def _boolean(column: pd.Series) -> bool:
    return pd.api.types.is_bool_dtype(column)


def _empty(column: pd.Series) -> bool:
    return bool(column.isna().all() or (column.astype(str) == "").all())

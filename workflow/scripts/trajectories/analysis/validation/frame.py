"""Tables of simulated rates, and the places in pages of the docs where they are written.

A page keeps a place for a table with two comments, `<!-- table NAME -->` and `<!-- end NAME -->`; what lies between
them is replaced.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from trajectories.errors import UserError

Rows = Iterable[Sequence[str]]


@dataclass(frozen=True)
class Table:
    """One table: its name in the page, its headings, and a function from runs (per rate) and a seed to its cells."""

    name: str
    columns: tuple[str, ...]
    rows: Callable[[int, int], Rows]

    def markdown(self, runs: int, seed: int) -> str:
        """Return the table, simulated; columns after the first that hold numbers are the function's own business."""
        lines = [self.columns, tuple("---" for _ in self.columns), *self.rows(runs, seed)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percent(rejected: np.ndarray | Sequence[bool]) -> str:
    """Return the share that is true, in percent; empty where there is nothing."""
    found = np.asarray(rejected, dtype=float)
    return f"{100 * found.mean():.1f}" if found.size else ""


def filled(page: str, tables: Iterable[Table], runs: int, seed: int) -> str:
    """Return the page with each table made anew in its place. Raises `UserError` where a page has no such place."""
    for table in tables:
        place = re.compile(rf"(<!-- table {re.escape(table.name)} -->\n).*?(<!-- end {table.name} -->)", re.DOTALL)
        if not place.search(page):
            raise UserError(f"no place for the table {table.name!r}; write <!-- table {table.name} --> and its end")
        made = table.markdown(runs, seed)
        page = place.sub(lambda found, made=made: f"{found[1]}\n{made}\n\n{found[2]}", page)  # type: ignore[misc]
    return page

"""`python -m trajectories.analysis.validation`: write the simulated rates into the pages of the docs (an hour)."""

import argparse
from pathlib import Path

from trajectories.analysis.validation import shapes, sizes, trajectories
from trajectories.analysis.validation.frame import Table, filled
from trajectories.files import write_text

PAGES: dict[str, tuple[Table, ...]] = {
    "shapes.md": (*trajectories.TABLES, *shapes.TABLES),
    "statistics.md": sizes.TABLES,
}
"""Page of the docs → its tables."""


def main() -> None:
    """Fill every page, or only the tables that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", help="names of tables; without any, all")
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    parser.add_argument("--runs", type=int, default=1200, help="simulated data sets per rate")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for name, tables in PAGES.items():
        page = given.docs / name
        wanted = [table for table in tables if not given.tables or table.name in given.tables]
        write_text(page, filled(page.read_text(encoding="utf-8"), wanted, given.runs, given.seed))


if __name__ == "__main__":
    main()

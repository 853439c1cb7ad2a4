"""The effects at a glance: a task per row, a term per column, and one of three colours: effect, none, undecided."""

from collections.abc import Mapping

import pandas as pd

from trajectories.analysis.points import records
from trajectories.analysis.terms import CHANGES
from trajectories.report.grids import MISSING, Cell, Grid
from trajectories.study.metrics import record_of

STYLES = {"effect": "effect", "undecided": "undecided", "": ""}
"""Outcome → style; every other outcome is an effect that is excluded."""


def outcomes_grid(effects: pd.DataFrame, labels: Mapping[str, str]) -> Grid:
    """Return `effects.tsv` as a grid; a cell is the effect with its interval, coloured by its outcome."""
    rows = []
    for task, terms in effects.groupby("task", sort=False):
        label = labels.get(str(task), str(task))
        cells = {str(row["term"]): row for row in records(terms)}
        rows.append((Cell(label, label), *(_cell(cells[term]) for term in CHANGES)))
    return Grid("outcomes", ("Task", *CHANGES.values()), (False,) * 4, tuple(rows))


def _cell(row: Mapping[str, object]) -> Cell:
    effect, low, high = (float(str(row[name])) for name in ("effect", "low", "high"))
    if effect != effect:
        return Cell(MISSING, "")
    share = record_of(str(row["metric"])).is_share
    numbers = [f"{value * (100 if share else 1):+.1f}".replace("-", "\u2212") for value in (effect, low, high)]
    outcome = row["outcome"] if isinstance(row["outcome"], str) else ""
    return Cell(f"{numbers[0]} [{numbers[1]}, {numbers[2]}]", effect, STYLES.get(outcome, "excluded"))

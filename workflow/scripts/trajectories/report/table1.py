"""Table 1 on the page: cells in the paper's form, coloured by direction, with the paper's own beside them."""

from collections.abc import Mapping
from importlib.resources import files
from io import StringIO
from math import isnan
from typing import Any

import pandas as pd

from trajectories.analysis.points import records
from trajectories.figures.shown import direction
from trajectories.imports.names import task_key
from trajectories.report.grids import MISSING, Cell, Grid

Record = Mapping[str, Any]
TERMS = ("parameters", "tokens", "interaction")


def papers_cells() -> dict[tuple[str, str], str]:
    """Return the paper's printed Table 1 as (task key, term) → cell; see `published_table1.tsv`."""
    text = (files("trajectories.imports") / "published_table1.tsv").read_text(encoding="utf-8")
    table = pd.read_csv(StringIO(text), sep="\t")
    return {(papers_key(row["task"]), term): row[term] for _, row in table.iterrows() for term in TERMS}


def papers_key(task: str) -> str:
    """Return the key of a task among the paper's twelve, whatever harness named it."""
    lower = task.lower().replace("-", "_")
    return lower if lower in ("truthfulqa_mc1", "truthfulqa_mc2") else task_key(lower)


def table1_grid(
    table1: pd.DataFrame, regression: pd.DataFrame, labels: Mapping[str, str], alpha: float, beside_paper: bool
) -> Grid:
    """Return Table 1 as a grid; with `beside_paper`, each term has a second column with the paper's cell and a mark."""
    printed = papers_cells() if beside_paper else {}
    fitted = {(str(row["task"]), str(row["term"])): row for row in records(regression)}
    rows = tuple(_row(row, fitted, labels, alpha, printed) for row in records(table1))
    heads: list[str] = ["Task"]
    for term in TERMS:
        heads += [term.capitalize(), "the paper's"] if beside_paper else [term.capitalize()]
    return Grid("table1", tuple(heads), (False,) * len(heads), rows, _note(table1, rows, labels, beside_paper))


def agreement(ours: str, theirs: str | None) -> str:
    """Return the mark of a pair of cells: `=` to the printed digit, `≠` otherwise, a dash where there is no pair."""
    return MISSING if theirs is None else "=" if ours == theirs else "≠"


def _row(
    row: Record,
    terms: Mapping[tuple[str, str], Record],
    labels: Mapping[str, str],
    alpha: float,
    printed: Mapping[tuple[str, str], str],
) -> tuple[Cell, ...]:
    task = str(row["task"])
    label = labels.get(task, task)
    cells = [Cell(label, label)]
    for term in TERMS:
        fitted, ours = terms[task, term], row[term] if isinstance(row[term], str) else "NA"
        cells.append(Cell(ours, _sort(float(fitted["t"])), _style(fitted, alpha)))
        if printed:
            theirs = printed.get((papers_key(task), term))
            mark = agreement(ours, theirs)
            style = {"=": "agrees", "≠": "differs"}.get(mark, "")
            cells.append(Cell(f"{mark} {theirs}" if theirs else MISSING, mark, style))
    return tuple(cells)


def _style(fitted: Record, alpha: float) -> str:
    if not float(fitted["p_fdr"]) < alpha:  # also where it is missing
        return ""
    return {1: "better", -1: "worse", 0: ""}[direction(fitted["beta"], fitted["metric"])]


def _sort(t: float) -> float | str:
    return "" if isnan(t) else t


def _note(
    table1: pd.DataFrame, rows: tuple[tuple[Cell, ...], ...], labels: Mapping[str, str], beside_paper: bool
) -> str:
    reasons = [
        f"{labels.get(str(row['task']), row['task'])} has no result: {row['reason']}."
        for row in records(table1)
        if isinstance(row["reason"], str) and row["reason"]
    ]
    marks = [cell.sort for row in rows for cell in row[2::2]] if beside_paper else []
    agreeing = [f"{marks.count('=')} of {len(marks)} cells equal the paper's to the printed digit."] if marks else []
    return " ".join(agreeing + reasons)

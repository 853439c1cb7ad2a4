"""The paper's Table 1: one row per task, one cell `t(60)=-4.22, p<0.001` per term."""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from trajectories.analysis.points import records, table_of
from trajectories.analysis.terms import TERMS
from trajectories.checkpoints.notes import anomaly_note, order_note
from trajectories.files import write_text
from trajectories.tables import read_table, write_table

SMALLEST_P = 0.001


def rounded(value: float, digits: int) -> str:
    """Return `value` to `digits` decimals without trailing zeros, as R prints a rounded number (`-1.50` is `-1.5`)."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def cell(t: float, df: float, p: float) -> str:
    """Return a cell in the paper's form; `NA` where there is no test."""
    if any(pd.isna(value) for value in (t, df, p)):
        return "NA"
    if math.isinf(t):
        return f"t({int(df)})={'-' if t < 0 else ''}Inf, p<{SMALLEST_P}"
    probability = f"p<{SMALLEST_P}" if p < SMALLEST_P else f"p={rounded(p, 3)}"
    return f"t({int(df)})={rounded(t, 2)}, {probability}"


def table1(regression: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per task of `regression` (columns `COLUMNS["table1"]`), with the corrected p-values.

    `labels` are display names; a task without one is called by its name.
    """
    rows: list[dict[str, object]] = []
    for task, terms in regression.groupby("task", sort=False):
        cells = {str(row["term"]): cell(row["t"], row["df"], row["p_fdr"]) for row in records(terms)}
        rows.append({"task": task, "label": labels.get(str(task), task), **cells, "reason": terms["reason"].iloc[0]})
    return table_of(rows, "table1")


def markdown(table: pd.DataFrame, footnote: str = "") -> str:
    """Return the table in Markdown, with a note on the tasks that have no result, and a footnote where there is one."""
    header = ["Task", *(term.capitalize() for term in TERMS)]
    lines = [header, ["---"] * len(header)]
    lines += [[str(row["label"]), *(str(row[term]) for term in TERMS)] for row in records(table)]
    notes = [f"\n{row['label']}: no result, {row['reason']}." for row in records(table) if row["reason"]]
    notes += [f"\n{footnote}\n"] if footnote else []
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n" + "\n".join(notes)


def write_table1(
    regression: Path | str,
    output_tsv: Path | str,
    output_markdown: Path | str,
    labels: Mapping[str, str],
    checkpoints: Path | str | None = None,
    consistency: Path | str | None = None,
) -> None:
    """Read `regression.tsv`, write `table1.tsv` and `table1.md`.

    With the audit's table, and that of scores out of order, the Markdown says which checkpoints were recovered, left
    out, or kept in spite of what was found.
    """
    table = table1(read_table(regression, "regression"), labels)
    write_table(table, output_tsv, "table1")
    notes = [anomaly_note(read_table(checkpoints, "checkpoints")) if checkpoints else ""]
    notes += [order_note(read_table(consistency, "consistency")) if consistency else ""]
    write_text(output_markdown, markdown(table, " ".join(filter(None, notes))))

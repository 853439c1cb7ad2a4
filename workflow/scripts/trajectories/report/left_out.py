"""What a reader must know is missing: checkpoints, tasks and numbers that were left out, and why."""

from collections.abc import Mapping

import pandas as pd

from trajectories.analysis.points import records
from trajectories.checkpoints.notes import anomaly_note

Tables = Mapping[str, pd.DataFrame]


def left_out(tables: Tables, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for each kind of thing left out; one that says so where everything was used."""
    audit = [anomaly_note(tables["checkpoints"])] if "checkpoints" in tables else []
    said = [
        text
        for text in (*audit, _missing(tables["accuracy"]), _numbers(tables), _tasks(tables, labels), _steps(tables))
        if text
    ]
    return tuple(said) or ("nothing; every task has its value at every checkpoint.",)


def _missing(accuracy: pd.DataFrame) -> str:
    """Count the values a task lacks at checkpoints that other tasks have."""
    cells = accuracy.drop_duplicates(["model", "step", "task"])
    whole = len(cells.drop_duplicates(["model", "step"])) * cells["task"].nunique()
    return f"{whole - len(cells):,} of {whole:,} values are missing." if len(cells) < whole else ""


def _numbers(tables: Tables) -> str:
    notes = tables.get("import_notes")
    if notes is None or notes.empty:
        return ""
    kinds = [f"{row['kind']} ({row['count']})" for row in records(notes)]
    return f"Of imported files: {'; '.join(kinds)}."


def _tasks(tables: Tables, labels: Mapping[str, str]) -> str:
    """Return the tasks without a fit; where none has one, the answer says so already."""
    table = tables.get("table1")
    if table is None:
        return ""
    reasons = table["reason"].fillna("").astype(str)
    without = table[reasons != ""]
    if without.empty or len(without) == len(table):
        return ""
    named = [f"{labels.get(str(row['task']), str(row['task']))} ({row['reason']})" for row in records(without)]
    return f"Without a regression: {'; '.join(named)}."


def _steps(tables: Tables) -> str:
    """Say that step 0, which has no logarithm, is in the curves and not in the regression."""
    accuracy, fitted = tables["accuracy"], tables.get("regression")
    if fitted is None or fitted["p_fdr"].isna().all() or not (accuracy["tokens"] == 0).any():
        return ""
    return "Step 0, which has no logarithm of tokens, is in the curves and not in the regression."

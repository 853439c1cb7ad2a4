"""The tidy tables that pass between stages: tab-separated, a header, a fixed and documented list of columns.

`docs/tables.md` explains every column; `COLUMNS` is what the code checks.
"""

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from trajectories.errors import UserError
from trajectories.files import whole_file

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: dict[str, tuple[str, ...]] = {
    "checkpoints": (
        "model", "parameters", "step", "tokens", "source", "revision", "commit",
        "format", "bytes", "files", "sizes", "status", "detail", "shared", "used",
    ),
    "consistency": (
        "model", "parameters", "step", "tokens", "choices", "nearest_step", "nearest", "neighbours", "usual",
        "behaves_like", "displacement", "flag", "reason",
    ),
    "distances": ("model", "step", "other", "distance"),
    "twins": ("model_a", "model_b", "steps", "nearer", "distance", "usual"),
    "accuracy": ("model", "parameters", "step", "tokens", "task", "metric", "value", "stderr", "questions"),
    "answers": (
        "model", "step", "task", "share_position", "share_text", "entropy", "constant_accuracy", "balanced_accuracy",
        "constant", "by",
    ),
    "regression": (
        "task", "metric", "term", "beta", "stderr", "t", "df", "p", "p_fdr", "r_squared", "points", "reason",
    ),
    "by_axis": (
        "axis", "task", "metric", "term", "beta", "stderr", "t", "df", "p", "p_fdr", "r_squared", "points", "reason",
    ),
    "tasks": (
        "task", "label", "metric", "questions", "available", "chance", "constants", "shots", "version", "part_of",
        "description", "source", "licence", "citation",
    ),
    "imported": (
        "file", "sha256", "rows", "left_out", "reason", "model", "revision", "shots", "version", "harness", "commit",
        "limit", "dtype", "peft",
    ),
    "import_notes": ("kind", "count", "first"),
    "compare": (
        "model", "parameters", "step", "tokens", "task", "metric", "value", "own_stderr", "reference",
        "reference_stderr", "difference", "stderr", "z", "p", "p_fdr", "verdict",
    ),
    "compare_summary": (
        "scope", "name", "cells", "compared", "identical", "higher", "lower", "mean_difference",
        "largest_difference", "stderr", "z", "p", "p_fdr", "verdict",
    ),
    "table1": ("task", "label", "parameters", "tokens", "interaction", "reason"),
    "trends": (
        "model", "parameters", "task", "metric", "points", "serial", "lag", "white", "tau", "slope", "trend",
        "trend_low", "trend_high", "p", "p_fdr", "serial_limit", "finding", "first", "best_step", "best_tokens",
        "best", "last_step", "last_tokens", "last", "drop", "drop_stderr", "drop_p", "drop_p_fdr",
        "drop_stderr_questions", "drop_p_questions", "checkpoint_sd", "reason",
    ),
    "declines": ("model", "parameters", "rule", "count", "of", "tasks"),
    "shapes": (
        "task", "metric", "axis", "group", "points", "serial", "two_lines", "split", "slope_before", "p_before",
        "slope_after", "p_after", "aicc", "aicc_constant", "aicc_linear", "aicc_bend", "aicc_quadratic", "p_flat",
        "p_turn", "agree", "turn", "turn_low", "turn_high", "below_chance", "reason",
    ),
    "sensitivity": (
        "task", "metric", "term", "check", "sizes", "beta", "stderr", "t", "t_low", "t_high", "df", "p", "p_fdr",
        "verdict", "note", "reason",
    ),
    "survival": (
        "task", "metric", "term", "beta", "t", "p_fdr", "verdict", "cr2", "mixed", "wild_bootstrap", "permutation",
        "hc3", "cluster", "leave_size_out", "leave_step_out", "exact_parameters", "body_parameters", "logit", "loss",
        "margin", "items", "without_constant", "checked", "held",
    ),
    "premises": (
        "task", "metric", "points", "constant", "constant_by", "chance", "below_chance", "plane", "r_squared", "gain",
        "p_bend", "p_bend_fdr", "fitted_low", "fitted_high", "reason",
    ),
    "effects": (
        "task", "metric", "term", "change", "effect", "low", "high", "smallest", "p_equivalence", "p_equivalence_fdr",
        "outcome", "reason",
    ),
    "variation": (
        "task", "metric", "size", "parameters", "runs", "sd_sizes", "sd_runs", "sd_checkpoints", "sd_questions",
        "slope_sd_sizes", "slope_sd_runs", "slope", "slope_low", "slope_high", "verdict", "note", "reason",
    ),
    "items": (
        "task", "metric", "term", "beta", "stderr", "t", "df", "p", "runs", "questions", "note", "reason",
    ),
    "breaks": (
        "task", "metric", "group", "axis", "form", "points", "serial", "f", "df_model", "df_resid", "p", "p_fdr",
        "p_cluster", "p_cluster_fdr", "aicc_straight", "aicc", "at", "at_low", "at_high", "slope_before",
        "slope_after", "reason",
    ),
    "intervals": ("model", "parameters", "step", "tokens", "task", "metric", "value", "low", "high", "questions"),
    "flips": (
        "model", "parameters", "task", "kind", "from_step", "to_step", "from_tokens", "to_tokens", "questions",
        "before", "after", "learnt", "lost", "difference", "low", "high", "p", "p_fdr", "p_questions",
        "reason",
    ),
    "fates": (
        "model", "parameters", "task", "questions", "always_right", "never_right", "learnt", "lost_for_good",
        "unsettled", "ever_lost", "reason",
    ),
    "overlap": (
        "task", "model_a", "model_b", "questions", "lost_a", "lost_b", "both", "expected", "jaccard", "kappa", "p",
        "p_fdr", "reason",
    ),
    "losses": (
        "task", "rank", "question", "models", "model", "best_step", "best_margin", "last_step", "last_margin", "fall",
        "truth", "lure", "context",
    ),
    "protocols": (
        "task", "label", "way", "asked", "shape", "over_size", "over_training", "over_compute", "metric", "value",
        "difference", "stderr", "p", "p_fdr", "change",
    ),
    "judged": ("model", "step", "task", "metric", "value", "stderr", "questions"),
    "texts": ("task", "model", "step", "question", "context", "text", "answer", "truth", "right"),
    "margins": ("task", "question", "model", "parameters", "step", "tokens", "margin", "right"),
    "power": (
        "task", "effect", "noise", "models", "steps", "questions", "base", "sd", "slope_sd", "serial", "alpha",
        "target", "smallest", "unit", "reason",
    ),
    "speed": (
        "model", "parameters", "checkpoints", "tokens", "seconds", "tokens_per_second", "job_seconds", "peak_mb",
        "peak_gpu_mb", "device",
    ),
    "power_curves": ("task", "effect", "noise", "size", "power"),
}  # fmt: skip


def write_table(table: "pd.DataFrame", path: Path | str, kind: str | None = None) -> None:
    """Write `table` as TSV, whole or not at all; with `kind`, in exactly the columns of `COLUMNS[kind]`.

    Floats have as few digits as read back to the same number. Missing values are `NA`.
    """
    ordered = table if kind is None else table[list(COLUMNS[kind])]
    with whole_file(path) as part:
        ordered.to_csv(part, sep="\t", index=False, na_rep="NA", lineterminator="\n")


def read_table(path: Path | str, kind: str | None = None) -> "pd.DataFrame":
    """Read a TSV written by `write_table`; with `kind`, insist on its columns.

    Raises `UserError` when the file is unreadable or a column is missing.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, sep="\t", na_values=["NA"], keep_default_na=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable table ({error}); delete it and run again") from error
    _insist(path, kind, map(str, table.columns))
    return table


def read_rows(path: Path | str, kind: str) -> list[dict[str, str]]:
    """Return the rows of a TSV written by `write_table`, all of it text, missing values `NA`.

    Without pandas, whose import takes longer than all that a job does which finds its work done. Raises `UserError` as
    `read_table` does.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream, delimiter="\t", strict=True)
            rows = list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{path}: not a readable table ({error}); delete it and run again") from error
    _insist(path, kind, reader.fieldnames or ())
    return rows


def _insist(path: Path | str, kind: str | None, columns: Iterable[str]) -> None:
    present = list(columns)
    missing = [column for column in COLUMNS.get(kind or "", ()) if column not in present]
    if missing:
        raise UserError(f"{path}: column {missing[0]!r} is missing; it has {', '.join(present)}")


def many_lines(text: str) -> str:
    """Return a text of the table as it was: the inverse of how texts are written on one line."""
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t", "r": "\r"}.get(found[1], found[1]), text)

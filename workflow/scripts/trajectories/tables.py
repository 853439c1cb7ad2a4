"""The tidy tables that pass between stages: tab-separated, a header, a fixed and documented list of columns.

`docs/tables.md` explains every column; `COLUMNS` is what the code checks.
"""

from pathlib import Path

import pandas as pd

from trajectories.errors import UserError
from trajectories.files import whole_file

COLUMNS: dict[str, tuple[str, ...]] = {
    "checkpoints": (
        "model", "parameters", "step", "tokens", "source", "revision", "commit",
        "format", "bytes", "files", "status", "used",
    ),
    "accuracy": ("model", "parameters", "step", "tokens", "task", "metric", "value", "stderr", "questions"),
    "regression": (
        "task", "metric", "term", "beta", "stderr", "t", "df", "p", "p_fdr", "r_squared", "points", "reason",
    ),
}  # fmt: skip


def write_table(table: pd.DataFrame, path: Path | str, kind: str | None = None) -> None:
    """Write `table` as TSV, whole or not at all; with `kind`, in exactly the columns of `COLUMNS[kind]`.

    Floats keep 17 significant digits, so reading the table back gives the same numbers. Missing values are `NA`.
    """
    ordered = table if kind is None else table[list(COLUMNS[kind])]
    with whole_file(path) as part:
        ordered.to_csv(part, sep="\t", index=False, na_rep="NA", float_format="%.17g", lineterminator="\n")


def read_table(path: Path | str, kind: str | None = None) -> pd.DataFrame:
    """Read a TSV written by `write_table`; with `kind`, insist on its columns.

    Raises `UserError` when the file is unreadable or a column is missing.
    """
    try:
        table = pd.read_csv(path, sep="\t", na_values=["NA"], keep_default_na=False, float_precision="round_trip")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable table ({error}); delete it and run again") from error
    missing = [column for column in COLUMNS.get(kind or "", ()) if column not in table.columns]
    if missing:
        raise UserError(f"{path}: column {missing[0]!r} is missing; it has {', '.join(map(str, table.columns))}")
    return table

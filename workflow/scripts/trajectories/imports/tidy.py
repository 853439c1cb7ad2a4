"""Tidy tables: one number per row, in our columns or in those of the paper's repository, separated by tabs."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from trajectories.errors import UserError
from trajectories.imports.files import text_of
from trajectories.imports.reading import Reading, questions_behind, standard_error

ENDINGS = (".tsv", ".tsv.gz")
OURS = ("model", "step", "task", "value")
PAPERS: Mapping[str, str] = {
    "ModelName": "model", "ModelRevision": "step", "Task": "task", "Accuracy": "value", "Accuracy_SE": "stderr",
}  # fmt: skip
"""Columns of the paper's `all_results.tsv`, and what they are here."""


def read_tidy_file(file: Path) -> list[Reading]:
    """Read one TSV, one `Reading` per row.

    Columns: model, step (a number, or a revision such as step2000), task, value, and if there metric, stderr,
    questions, tokens, shots and version; or the columns of the paper's file. Others are ignored, blank lines too, and
    rows whose value is NA. Raises `UserError` naming file, line and column.
    """
    readings = [_reading(file, line, row) for line, row in _rows(file) if row["value"].strip() not in ("", "NA")]
    if not readings:
        raise UserError(f"{file}: has a header and no rows with a value; nothing to import")
    return readings


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    lines = csv.reader(io.StringIO(text_of(file), newline=""), delimiter="\t")
    try:
        columns = [PAPERS.get(column, column) for column in next(lines, [])]
        _check_columns(columns, file)
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise UserError(
                    f"{file}: line {lines.line_num} has {len(cells)} cells where the header has {len(columns)}; "
                    "the file is cut short or damaged"
                )
            yield lines.line_num, dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise UserError(f"{file}: not a readable TSV ({error})") from error


def _check_columns(columns: list[str], file: Path) -> None:
    missing = [column for column in OURS if column not in columns]
    if missing:
        raise UserError(
            f"{file}: unknown layout: column {missing[0]!r} is missing; needed are {', '.join(OURS)}, tab-separated"
        )


def _reading(file: Path, line: int, row: Mapping[str, str]) -> Reading:
    value = _number(row["value"], file, line, "value")
    stderr = standard_error(_optional(row.get("stderr"), file, line, "stderr"))
    questions = _whole(row.get("questions"), file, line, "questions")
    step = row["step"].strip()
    return Reading(
        file, row["model"].strip(), _revision(step), row["task"].strip(), row.get("metric") or None, value, stderr,
        questions_behind(value, stderr) if questions is None else questions,
        tokens=_whole(row.get("tokens"), file, line, "tokens"), shots=_whole(row.get("shots"), file, line, "shots"),
        version=row.get("version") or None, line=line,
    )  # fmt: skip


def _revision(step: str) -> str:
    """Return a step as written, `1000.0` and `001000` as `1000`."""
    try:
        return str(int(float(step))) if float(step) == int(float(step)) and float(step) >= 0 else step
    except (ValueError, OverflowError):
        return step


def _whole(text: str | None, file: Path, line: int, column: str) -> int | None:
    value = _optional(text, file, line, column)
    if value is None:
        return None
    if not value.is_integer() or value < 0:
        raise UserError(f"{file}: line {line}: {column} is {text!r}, not a whole number")
    return int(value)


def _optional(text: str | None, file: Path, line: int, column: str) -> float | None:
    return None if text is None or text.strip() in ("", "NA") else _number(text, file, line, column)


def _number(text: str, file: Path, line: int, column: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{file}: line {line}: {column} is {text!r}, not a number") from None

"""Tidy TSV files: one accuracy per row, in our columns or in those of the paper's repository."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from trajectories.errors import UserError
from trajectories.imports.reading import Reading, checked_share, files_in, questions_behind

OURS = ("model", "step", "task", "value")
PAPERS: Mapping[str, str] = {
    "ModelName": "model", "ModelRevision": "step", "Task": "task", "Accuracy": "value", "Accuracy_SE": "stderr",
}  # fmt: skip
"""Columns of the paper's `all_results.tsv`, and what they are here."""


def read_tidy(path: Path | str) -> list[Reading]:
    """Read one TSV, or every `.tsv` below a folder.

    Columns: model, step (a number, or a revision such as step2000), task, value, and if there metric, stderr and
    questions; or the columns of the paper's file. Others are ignored. Raises `UserError` naming file, line and column.
    """
    return [reading for file in files_in(Path(path), ".tsv") for reading in read_tidy_file(file)]


def read_tidy_file(file: Path) -> list[Reading]:
    """Read one TSV, one `Reading` per row."""
    readings = [_reading(file, line, row) for line, row in _rows(file)]
    if not readings:
        raise UserError(f"{file}: has a header and no rows; nothing to import")
    return readings


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            lines = csv.reader(stream, delimiter="\t")
            columns = [PAPERS.get(column, column) for column in next(lines, [])]
            _check_columns(columns, file)
            for cells in lines:
                if len(cells) != len(columns):
                    raise UserError(
                        f"{file}: line {lines.line_num} has {len(cells)} cells where the header has {len(columns)}; "
                        "the file is cut short or damaged"
                    )
                yield lines.line_num, dict(zip(columns, cells, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: not a readable TSV ({error})") from error


def _check_columns(columns: list[str], file: Path) -> None:
    missing = [column for column in OURS if column not in columns]
    if missing:
        raise UserError(
            f"{file}: unknown layout: column {missing[0]!r} is missing; needed are {', '.join(OURS)}, tab-separated"
        )


def _reading(file: Path, line: int, row: Mapping[str, str]) -> Reading:
    value = checked_share(_number(row["value"], file, line, "value"), file, f"the value in line {line}")
    stderr = _optional(row.get("stderr"), file, line, "stderr")
    questions = _optional(row.get("questions"), file, line, "questions")
    counted = int(questions) if questions is not None else questions_behind(value, stderr)
    metric = row.get("metric") or None
    return Reading(file, row["model"], _revision(row["step"]), row["task"], metric, value, stderr, counted)


def _revision(step: str) -> str:
    return f"step{step}" if step.isdigit() else step


def _optional(text: str | None, file: Path, line: int, column: str) -> float | None:
    return None if text in (None, "", "NA") else _number(str(text), file, line, column)


def _number(text: str, file: Path, line: int, column: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{file}: line {line}: {column} is {text!r}, not a number") from None

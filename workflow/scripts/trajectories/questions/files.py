"""Rows from a local file: JSON lines, a JSON list, or CSV."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

from trajectories.errors import UserError

LARGEST_BYTES = 1 << 30


def read_rows(path: Path | str) -> list[dict[str, Any]]:
    """Return the rows of a `.jsonl`, `.json` or `.csv` file.

    Raises `UserError`, naming the file and the line, when it is missing, larger than 1 GiB, not UTF-8, or not what
    its ending says.
    """
    file = Path(path)
    readers = {".jsonl": _json_lines, ".json": _json_list, ".csv": _csv}
    if file.suffix not in readers:
        raise UserError(f"{file}: the ending must be one of {', '.join(readers)}")
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    if file.stat().st_size > LARGEST_BYTES:
        raise UserError(f"{file}: is larger than 1 GiB, which no question file should be")
    try:
        return readers[file.suffix](file)
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: is not UTF-8 text ({error.reason} at byte {error.start})") from error


def _json_lines(file: Path) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            rows.append(_row(_parse(line, f"{file}, line {number}"), f"{file}, line {number}"))
    return rows


def _json_list(file: Path) -> list[dict[str, Any]]:
    rows = _parse(file.read_text(encoding="utf-8"), str(file))
    if not isinstance(rows, list):
        raise UserError(f"{file}: is not a JSON list of objects")
    return [_row(row, f"{file}, item {index}") for index, row in enumerate(rows)]


def _csv(file: Path) -> list[dict[str, Any]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        try:
            rows = list(reader)
        except csv.Error as error:
            raise UserError(f"{file}, line {reader.line_num}: not valid CSV ({error})") from error
    for number, row in enumerate(rows):
        if None in row or None in row.values():
            raise UserError(f"{file}, row {number}: has not as many fields as the header; not valid CSV")
    return rows


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{where}: not valid JSON ({error})") from error


def _row(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(f"{where}: is not a JSON object")
    return value

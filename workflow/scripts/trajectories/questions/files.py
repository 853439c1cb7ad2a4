"""Rows from a local file: JSON lines, a JSON list, CSV as spreadsheets write it, or parquet."""

import csv
import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trajectories.errors import UserError

logger = logging.getLogger(__name__)

LARGEST_BYTES = 1 << 30
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
LOOKED_AT = 50
"""Rows by which delimiters are told apart."""


def read_rows(path: Path | str) -> list[dict[str, Any]]:
    """Return the rows of a `.jsonl`, `.json`, `.csv`, `.tsv` or `.parquet` file.

    Raises `UserError`, naming the file and the line, when it is missing, larger than 1 GiB, not UTF-8, or not what
    its ending says.
    """
    file = Path(path)
    readers = {".jsonl": _json_lines, ".json": _json_list, ".csv": _csv, ".tsv": _csv}
    if file.suffix not in (*readers, ".parquet"):
        raise UserError(f"{file}: the ending must be one of {', '.join(readers)}, .parquet")
    if file.suffix == ".parquet":
        return _parquet(_checked(file))
    return readers[file.suffix](file, _decoded(file))


def read_text(path: Path | str) -> str:
    """Return the text of a UTF-8 file; all its line ends are line feeds. Raises `UserError` as `read_rows` does."""
    return _decoded(Path(path)).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(file: Path) -> str:
    """Return a file's text without a byte order mark."""
    try:
        return _checked(file).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: is not UTF-8 text ({error.reason} at byte {error.start})") from error


def _checked(file: Path) -> Path:
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    if file.stat().st_size > LARGEST_BYTES:
        raise UserError(f"{file}: is larger than 1 GiB, which no question file should be")
    return file


def _json_lines(file: Path, text: str) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            rows.append(_row(_parse(line, f"{file}, line {number}"), f"{file}, line {number}"))
    return rows


def _json_list(file: Path, text: str) -> list[dict[str, Any]]:
    rows = _parse(text, str(file))
    if not isinstance(rows, list):
        raise UserError(f"{file}: is not a JSON list of objects")
    return [_row(row, f"{file}, item {index}") for index, row in enumerate(rows)]


def _csv(file: Path, text: str) -> list[dict[str, Any]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    delimiter = _delimiter(text, "\t" if file.suffix == ".tsv" else ",")
    if delimiter != ",":
        logger.info("%s: its columns are separated by %s", file, DELIMITERS[delimiter])
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise UserError(f"{file}, line {reader.line_num}: not valid CSV ({error})") from error
    for number, row in enumerate(rows):
        if None in row or None in row.values():
            raise UserError(f"{file}, row {number}: has not as many fields as the header; not valid CSV")
    return rows


def _delimiter(text: str, usual: str) -> str:
    """Return what separates the columns: what cuts the first rows into most columns, all of them alike."""

    def columns(delimiter: str) -> int:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            sizes = [len(line) for _, line in zip(range(LOOKED_AT), lines, strict=False) if line]
        except csv.Error:
            return 0
        return sizes[0] if sizes and min(sizes) == max(sizes) else 0

    best = max(DELIMITERS, key=lambda delimiter: (columns(delimiter), delimiter == usual))
    return best if columns(best) > 1 else usual


def _parquet(file: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file}: not a whole parquet file ({' '.join(str(error).split())}); copy it again") from error
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

"""Rows from a local file: JSON lines, a JSON list, CSV as spreadsheets write it, or parquet."""

import csv
import io
import json
import logging
import sys
from collections.abc import Mapping
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


class FileRow(dict[str, Any]):
    """A row of a text file, and the line it ends on, counted from 1; 0 where that is not known."""

    line: int = 0


def place_of(number: int, row: Mapping[str, Any]) -> str:
    """Return how messages name a row: counted from 0, as questions are everywhere, with its line where it has one."""
    line = getattr(row, "line", 0)
    return f"row {number} (line {line})" if line else f"row {number}"


def read_rows(path: Path | str) -> list[FileRow]:
    """Return the rows of a `.jsonl`, `.json`, `.csv`, `.tsv` or `.parquet` file.

    Raises `UserError`, naming the file, the row and the line, when it is missing, empty, larger than 1 GiB, not UTF-8,
    or not what its ending says.
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
    data = _checked(file).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(_not_utf8(file, data, error.start)) from error
    if "\0" in text[:1000]:
        raise UserError(_not_utf8(file, data, text.index("\0")))
    return text


def shown_keys(mapping: Mapping[str, Any]) -> str:
    """Return a mapping's keys for a message of one line."""
    return ", ".join(" ".join(str(key).split()) for key in list(mapping)[:20])


def _not_utf8(file: Path, data: bytes, start: int) -> str:
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:1000]
    kind = "UTF-16" if wide else "WINDOWS-1252"
    said = "UTF-16" if wide else "Latin-1 or Windows-1252"
    line = "" if wide else f" at line {data.count(bytes([10]), 0, start) + 1}"
    return (
        f"{file}: is not UTF-8 text{line}, by the look of it {said}; save it as UTF-8, for instance: "
        f"iconv -f {kind} -t UTF-8 {file.name} > utf8{file.suffix}"
    )


def _checked(file: Path) -> Path:
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    if file.stat().st_size == 0:
        raise UserError(f"{file}: is empty")
    if file.stat().st_size > LARGEST_BYTES:
        raise UserError(f"{file}: is larger than 1 GiB, which no question file should be")
    return file


def _json_lines(file: Path, text: str) -> list[FileRow]:
    rows: list[FileRow] = []
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            where = f"{file}, row {len(rows)} (line {line})"
            rows.append(_row(_parse(content, where), where, line))
    return rows


def _json_list(file: Path, text: str) -> list[FileRow]:
    rows = _parse(text, str(file))
    if isinstance(rows, dict):
        lists = [key for key, value in rows.items() if isinstance(value, list)]
        if len(lists) != 1:
            raise UserError(f"{file}: is a JSON object with the keys {shown_keys(rows)}; a list of objects is needed")
        logger.info("%s: its rows are the list %r", file, lists[0])
        rows = rows[lists[0]]
    if not isinstance(rows, list):
        raise UserError(f"{file}: is not a JSON list of objects")
    return [_row(row, f"{file}, row {index}") for index, row in enumerate(rows)]


def _csv(file: Path, text: str) -> list[FileRow]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    delimiter = _delimiter(text, "\t" if file.suffix == ".tsv" else ",")
    if delimiter != ",":
        logger.info("%s: its columns are separated by %s", file, DELIMITERS[delimiter])
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    rows: list[FileRow] = []
    try:
        for values in reader:
            rows.append(_row(values, str(file), reader.line_num))
            _check_fields(file, len(rows) - 1, rows[-1])
    except csv.Error as error:
        raise UserError(f"{file}, line {reader.line_num}: not valid CSV ({error})") from error
    return rows


def _check_fields(file: Path, number: int, row: FileRow) -> None:
    where = f"{file}, {place_of(number, row)}"
    if not any(row.values()):
        raise UserError(f"{where}: is blank, every column is empty; delete the line")
    if None in row or None in row.values():
        raise UserError(f"{where}: has not as many fields as the header; not valid CSV (quote fields that hold commas)")


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


def _parquet(file: Path) -> list[FileRow]:
    try:
        rows = [FileRow(row) for row in pq.read_table(file).to_pylist()]
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file}: not a whole parquet file ({' '.join(str(error).split())}); copy it again") from error
    return rows


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if "\n" in text else f"column {error.colno}"
        raise UserError(f"{where}: not valid JSON ({error.msg} at {place})") from error
    except RecursionError as error:
        raise UserError(f"{where}: not valid JSON (it is nested too deep)") from error


def _row(value: Any, where: str, line: int = 0) -> FileRow:
    if not isinstance(value, dict):
        raise UserError(f"{where}: is not a JSON object")
    row = FileRow(value)
    row.line = line
    return row

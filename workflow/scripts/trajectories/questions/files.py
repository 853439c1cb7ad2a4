"""Rows from a local file: JSON lines, a JSON list, CSV as spreadsheets write it, or parquet."""

import csv
import io
import json
import logging
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trajectories.errors import UserError

logger = logging.getLogger(__name__)

LARGEST_BYTES = 1 << 30
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SAID = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)
"""A first line by which Excel says what separates the columns."""
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
    if "\0" in text:
        raise UserError(_not_utf8(file, data, data.index(b"\0")))
    return text


def shown_keys(mapping: Mapping[str, Any]) -> str:
    """Return a mapping's keys for a message of one line."""
    return ", ".join(" ".join(str(key).split()) for key in list(mapping)[:20])


def _not_utf8(file: Path, data: bytes, start: int) -> str:
    kind = _wide(data)
    said = kind or "Latin-1 or Windows-1252"
    line = "" if kind else f" at line {data.count(bytes([10]), 0, start) + 1}"
    if not kind and data[start] == 0:
        return f"{file}: holds a zero byte{line}; no text does, take it out"
    return (
        f"{file}: is not UTF-8 text{line}, by the look of it {said}; save it as UTF-8, for instance: "
        f"iconv -f {kind or 'WINDOWS-1252'} -t UTF-8 {file.name} > utf8{file.suffix}"
    )


def _wide(data: bytes) -> str:
    """Return the encoding of several bytes a sign that the text has by its mark or its zeros; else nothing."""
    zeros = data[:1000].count(0) / len(data[:1000])
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff") or zeros > 0.6:
        return "UTF-32"
    return "UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") or zeros > 0.2 else ""


def _checked(file: Path) -> Path:
    if not file.is_file():
        raise UserError(f"{file}: no such file")
    if file.stat().st_size == 0:
        raise UserError(f"{file}: is empty")
    if file.stat().st_size > LARGEST_BYTES:
        raise UserError(f"{file}: is larger than 1 GiB, which no question file should be")
    return file


def _json_lines(file: Path, text: str) -> list[FileRow]:
    if text.lstrip().startswith("["):
        return _json_list(file, text)
    rows: list[FileRow] = []
    for line, content in enumerate(text.split("\n"), 1):
        if content.strip():
            where = f"{file}, row {len(rows)} (line {line})"
            rows.append(_row(_parse(content, where), where, line))
    return rows


def _json_list(file: Path, text: str) -> list[FileRow]:
    if _begins_with_a_row(text):
        logger.info("%s: holds an object on each line, as JSON lines do", file)
        return _json_lines(file, text)
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


def _begins_with_a_row(text: str) -> bool:
    """Say whether the first line is a whole object and another follows."""
    first, _, rest = text.lstrip().partition("\n")
    try:
        return isinstance(json.loads(first), dict) and bool(rest.strip())
    except (json.JSONDecodeError, RecursionError):
        return False


def _csv(file: Path, text: str) -> list[FileRow]:
    if text.lstrip().startswith(("{", "[")):
        raise UserError(f"{file}: is JSON by the look of it; give its name the ending .jsonl, or .json")
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    said, usual = SAID.match(text), "\t" if file.suffix == ".tsv" else ","
    text = text[said.end() :] if said else text
    delimiter = said[1] if said else _delimiter(text, usual)
    if delimiter != ",":
        logger.info("%s: its columns are separated by %s", file, DELIMITERS.get(delimiter, delimiter))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    rows: list[FileRow] = []
    try:
        names = _header(file, next(reader, []))
        for fields in filter(None, reader):
            row = _row(dict(zip(names, fields, strict=False)), str(file), reader.line_num + bool(said))
            _check_fields(f"{file}, {place_of(len(rows), row)}", fields, names, delimiter)
            rows.append(row)
    except csv.Error as error:
        raise UserError(f"{file}, line {reader.line_num + bool(said)}: not valid CSV ({error})") from error
    return rows


def _header(file: Path, names: Sequence[str]) -> list[str]:
    """Return the columns' names without white space around them. Raises `UserError` where two are the same."""
    plain = [name.strip() for name in names]
    for name in plain:
        if name and plain.count(name) > 1:
            raise UserError(f"{file}: has {plain.count(name)} columns named {name!r}; rename all but one")
    return plain


def _check_fields(where: str, fields: Sequence[str], names: Sequence[str], delimiter: str) -> None:
    if not any(fields):
        raise UserError(f"{where}: is blank, every column is empty; delete the line")
    if len(fields) != len(names):
        raise UserError(
            f"{where}: has {len(fields)} fields, the header has {len(names)}; put fields that hold "
            f"{DELIMITERS.get(delimiter, delimiter)} in quotes"
        )


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
    import pyarrow as pa  # a tenth of a second to import, for which readers of texts need not wait
    import pyarrow.parquet as pq

    try:
        rows = [FileRow(row) for row in pq.read_table(file).to_pylist()]
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file}: not a whole parquet file ({' '.join(str(error).split())}); copy it again") from error
    return rows


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda _: None)  # NaN is what pandas and Python write for nothing
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

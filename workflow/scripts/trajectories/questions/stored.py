"""The parquet file in which a task's questions travel between stages."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from trajectories.errors import UserError
from trajectories.files import whole_file
from trajectories.questions.question import Question

_TEXTS = pa.list_(pa.string())
_SCHEMA = pa.schema(
    [
        ("context", pa.string()),
        ("choices", _TEXTS),
        ("labels", pa.list_(pa.int8())),
        ("contexts", _TEXTS),
        ("running", pa.bool_()),
        ("measured", _TEXTS),
    ]
)


def write_questions(questions: Sequence[Question], path: Path | str, metadata: Mapping[str, str]) -> None:
    """Write a task's questions as parquet, in order; `metadata` (where they came from) goes into the file."""
    names = [field.name for field in fields(Question)]
    columns = {name: [getattr(question, name) for question in questions] for name in names}
    table = pa.table(columns, schema=_SCHEMA.with_metadata(dict(metadata)))
    with whole_file(path) as part:
        pq.write_table(table, part)


def read_questions(path: Path | str) -> list[Question]:
    """Read the questions written by `write_questions`. Raises `UserError` when the file is damaged."""
    try:
        return [_question(row) for row in pq.read_table(path).to_pylist()]
    except (OSError, pa.ArrowException, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a readable questions file ({error}); delete it and run again") from error


def _question(row: Mapping[str, Any]) -> Question:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Question(**values)


def question_metadata(path: Path | str) -> dict[str, str]:
    """Return what `write_questions` was told about the questions' origin."""
    metadata: Mapping[bytes, bytes] = pq.read_schema(path).metadata or {}
    return {key.decode(): value.decode() for key, value in metadata.items() if not key.startswith(b"ARROW")}

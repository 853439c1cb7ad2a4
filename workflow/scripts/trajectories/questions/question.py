"""The Question record, and the parquet file in which a task's questions travel between stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trajectories.errors import UserError
from trajectories.files import whole_file

_SCHEMA = pa.schema(
    [("context", pa.string()), ("choices", pa.list_(pa.string())), ("labels", pa.list_(pa.int8()))]
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """One multiple-choice question: a context, and at least two choices with 0/1 labels (1 is true).

    A choice is the text that follows the context, with its own leading space where it has one.
    Raises `UserError` when there are fewer than two choices, a label is neither 0 nor 1, the two lists differ in
    length, no choice is true, or a text is not a string.
    """

    context: str
    choices: tuple[str, ...]
    labels: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the record; a wrong question must never be scored."""
        start = f"question {self.context[-60:]!r}" if isinstance(self.context, str) else "question"
        if not isinstance(self.context, str) or not all(isinstance(choice, str) for choice in self.choices):
            raise UserError(f"{start}: the context and every choice must be text")
        if len(self.choices) < 2:
            raise UserError(f"{start}: has {len(self.choices)} choice(s); at least 2 are needed")
        if len(self.choices) != len(self.labels):
            raise UserError(f"{start}: has {len(self.choices)} choices but {len(self.labels)} labels")
        if not all(label in (0, 1) for label in self.labels):
            raise UserError(f"{start}: labels are {list(self.labels)}; each must be 0 or 1")
        if 1 not in self.labels:
            raise UserError(f"{start}: no choice is labelled 1 (true)")
        if "" in self.choices:
            raise UserError(f"{start}: a choice is empty; there is nothing to score")


def write_questions(questions: Sequence[Question], path: Path | str, metadata: Mapping[str, str]) -> None:
    """Write a task's questions as parquet, in order; `metadata` (where they came from) goes into the file."""
    table = pa.table(
        {
            "context": [question.context for question in questions],
            "choices": [list(question.choices) for question in questions],
            "labels": [list(question.labels) for question in questions],
        },
        schema=_SCHEMA.with_metadata(dict(metadata)),
    )
    with whole_file(path) as part:
        pq.write_table(table, part)


def read_questions(path: Path | str) -> list[Question]:
    """Read the questions written by `write_questions`. Raises `UserError` when the file is damaged."""
    try:
        rows = pq.read_table(path).to_pylist()
        return [Question(row["context"], tuple(row["choices"]), tuple(row["labels"])) for row in rows]
    except (OSError, pa.ArrowException, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a readable questions file ({error}); delete it and run again") from error


def question_metadata(path: Path | str) -> dict[str, str]:
    """Return what `write_questions` was told about the questions' origin."""
    metadata: Mapping[bytes, bytes] = pq.read_schema(path).metadata or {}
    return {key.decode(): value.decode() for key, value in metadata.items() if not key.startswith(b"ARROW")}

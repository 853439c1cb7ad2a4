"""One row of the audit's table as a record: all that fetching and scoring need to know about a checkpoint."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajectories.checkpoints.records import Sourced
from trajectories.checkpoints.weight_files import WHOLE
from trajectories.errors import UserError
from trajectories.hub.files import ModelFile, plain_name
from trajectories.study.names import checked_name
from trajectories.tables import read_rows


@dataclass(frozen=True)
class Checkpoint(Sourced):
    """A resolved checkpoint. `source` is `hub:owner/name` or `folder:path`; `files` are weights, index and config."""

    model: str
    step: int
    source: str
    commit: str
    format: str
    files: tuple[ModelFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def __str__(self) -> str:
        return f"{self.model} step{self.step}"


def last_used(path: Path | str, model: str) -> Checkpoint | None:
    """Return the last checkpoint of a model that `checkpoints.tsv` says is used, or None where none is."""
    rows = [row for row in read_rows(path, "checkpoints") if row["model"] == model and is_used(row)]
    return as_checkpoint(max(rows, key=lambda row: int(row["step"]))) if rows else None


def is_used(row: Mapping[str, str]) -> bool:
    """Tell whether a row of the audit's table, as text, is of a checkpoint that is used."""
    return row["used"] == "True"


def as_checkpoint(row: Mapping[str, Any]) -> Checkpoint:
    """Return a row of the audit's table, as text or as values, as a record.

    Raises `UserError` when the row is not usable (nothing is there), or holds names that no audit writes.
    """
    if row["format"] not in WHOLE:
        raise UserError(f"{row['model']} step {row['step']}: {row['status']}, there is nothing to score")
    hashes, sizes = json.loads(str(row["files"])), json.loads(str(row["sizes"]))
    return Checkpoint(
        model=checked_name(str(row["model"])),
        step=int(str(row["step"])),
        source=str(row["source"]),
        commit=str(row["commit"]),
        format=row["format"],
        files=tuple(ModelFile(plain_name(name), int(sizes[name]), hash_) for name, hash_ in hashes.items()),
    )

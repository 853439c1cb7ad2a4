"""One row of the audit's table as a record: all that fetching and scoring need to know about a checkpoint."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from trajectories.checkpoints.records import Sourced
from trajectories.errors import UserError
from trajectories.hub.files import ModelFile, plain_name
from trajectories.study.names import checked_name
from trajectories.tables import read_table


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
    table = read_table(path, "checkpoints")
    rows = table[(table["model"] == model) & table["used"].astype(bool)]
    return as_checkpoint(rows.sort_values("step").iloc[-1]) if len(rows) else None


def as_checkpoint(row: "pd.Series[Any]") -> Checkpoint:
    """Return a row of the audit's table as a record.

    Raises `UserError` when the row is not usable (nothing is there), or holds names that no audit writes.
    """
    if not isinstance(row["format"], str):
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

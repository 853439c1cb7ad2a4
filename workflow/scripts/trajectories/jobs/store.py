"""Finished scores of one (checkpoint, task), kept under a hash of everything that changes the numbers.

Adding a task, interrupting a study or checking the repository out afresh therefore never scores anything twice; a
second copy of a job writes the same file and does no harm.

    <store>/<xx>/<key>.parquet         the scores of one task, or a link to the whole file they have gone into
    <store>/whole/<xx>/<key>.parquet   the scores of all tasks of a study under one checkpoint
    <store>/texts/<xx>/<key>.parquet   the texts of a task whose answers are written

Scores lie on disk once: a study's scores file is another name of the whole file (a hard link, or a copy where there are
none), so either may be deleted and the other stays what it is.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from trajectories.files import digest

SCORING_VERSION = 2  # raise it when a change of the code changes scores


@dataclass(frozen=True)
class Identity:
    """Everything that changes the scores of one task under one checkpoint."""

    commit: str  # of the checkpoint: weights and their config
    requests: str  # digest of the task's requests: token ids, counted positions, labels
    dtype: str
    softmax: str
    version: int = SCORING_VERSION


@dataclass(frozen=True)
class Store:
    """A folder of finished scores."""

    folder: Path

    def path(self, identity: Identity) -> Path:
        """Return where the scores of `identity` are or would be."""
        return self.entry(digest(asdict(identity)))

    def entry(self, key: str) -> Path:
        """Return where the scores of the identity with this digest are or would be."""
        return self.folder / key[:2] / f"{key}.parquet"

    def texts(self, key: str) -> Path:
        """Return where the texts of the identity with this digest are or would be."""
        return self.folder / "texts" / key[:2] / f"{key}.parquet"

    def has(self, identity: Identity) -> bool:
        """Tell whether the scores are there; files appear whole or not at all."""
        return self.path(identity).is_file()

    def whole(self, key: str) -> Path:
        """Return where the scores of several tasks in one file are or would be."""
        return self.folder / "whole" / key[:2] / f"{key}.parquet"

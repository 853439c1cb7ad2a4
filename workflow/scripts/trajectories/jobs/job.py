"""A checkpoint to score: which requests under it, how, and where everything goes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from trajectories.checkpoints.resolved import Checkpoint
from trajectories.files import digest
from trajectories.jobs.store import Identity, Store
from trajectories.scoring.requests import read_requests, requests_metadata
from trajectories.study.protocol import Protocol
from trajectories.study.sections import Scoring

if TYPE_CHECKING:
    from trajectories.scoring.requests import Requests
    from trajectories.scoring.written import Asked


@dataclass(frozen=True)
class RequestsFile:
    """One tree's requests file, read once for all checkpoints of a batch."""

    path: Path

    @cached_property
    def header(self) -> dict[str, str]:
        """The file's metadata."""
        return requests_metadata(self.path)

    @cached_property
    def digests(self) -> dict[str, str]:
        """Digest of each task's requests."""
        found: dict[str, str] = json.loads(self.header["digests"])
        return found

    @cached_property
    def written(self) -> "Mapping[str, Asked]":
        """The tasks whose answers the model writes, and how they are asked."""
        from trajectories.scoring.written import asked_in

        return asked_in(self.header) if "written" in self.header else {}

    @cached_property
    def requests(self) -> "Requests":
        """All requests of the file."""
        return read_requests(self.path)


@dataclass(frozen=True)
class Job:
    """One checkpoint, the requests to score under it, how, and where results and downloads go."""

    checkpoint: Checkpoint
    requests: tuple[RequestsFile, ...]
    protocol: Protocol
    scoring: Scoring
    store: Store
    scratch: Path
    output: Path
    threads: int | None = None
    limit: int | None = None  # bound on checkpoints on disk, where Snakemake does not already keep it
    keep: bool = False
    hub_cache: bool = False

    @cached_property
    def entries(self) -> Mapping[str, Path]:
        """Where the store has, or will have, the scores of each task."""
        return {
            name: self.store.path(self.identity(key)) for file in self.requests for name, key in file.digests.items()
        }

    def identity(self, requests: str) -> Identity:
        """Return what the scores of a task with these requests are stored under."""
        return Identity(self.checkpoint.commit, requests, self.scoring.dtype, self.protocol.softmax)

    def missing(self) -> dict[Path, list[str]]:
        """Return the tasks whose scores are not in the store, by requests file."""
        return {
            file.path: names
            for file in self.requests
            if (names := [name for name in file.digests if not self.entries[name].is_file()])
        }

    @property
    def header(self) -> dict[str, str]:
        """What the scores file says of the checkpoint."""
        own = self.checkpoint
        return {"model": own.model, "step": str(own.step), "source": own.source, "commit": own.commit}

    @property
    def whole(self) -> Path:
        """Where the store has, or will have, the scores of all these tasks in one file."""
        return self.store.whole(digest({**self.header, "entries": {name: p.stem for name, p in self.entries.items()}}))

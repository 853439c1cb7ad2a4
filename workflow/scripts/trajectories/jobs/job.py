"""One scoring job: everything that is missing of one checkpoint, then its scores file put together from the store."""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajectories.checkpoints.fetch import fetched
from trajectories.checkpoints.locks import any_lock
from trajectories.checkpoints.resolved import Checkpoint
from trajectories.errors import UserError
from trajectories.jobs.devices import choose, one_gpu
from trajectories.jobs.store import Identity, Store
from trajectories.scoring.requests import requests_metadata
from trajectories.study.config import Scoring
from trajectories.study.protocol import Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from trajectories.scoring.engine import Engine
    from trajectories.scoring.requests import Requests
    from trajectories.scoring.scored import Scored

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RequestsFile:
    """One tree's requests file, and which of its tasks the study asks for."""

    path: Path

    @cached_property
    def header(self) -> dict[str, str]:
        """The file's metadata."""
        return requests_metadata(self.path)

    @property
    def digests(self) -> dict[str, str]:
        """Digest of each task's requests."""
        found: dict[str, str] = json.loads(self.header["digests"])
        return found


@dataclass(frozen=True)
class Job:
    """One checkpoint, the requests to score under it, how, and where results and downloads go."""

    checkpoint: Checkpoint
    requests: Sequence[RequestsFile]
    protocol: Protocol
    scoring: Scoring
    store: Store
    scratch: Path
    threads: int | None = None
    limit: int | None = None  # bound on checkpoints on disk, where Snakemake does not already keep it
    keep: bool = False
    hub_cache: bool = False

    def identity(self, digest: str) -> Identity:
        """Return what the scores of a task with these requests are stored under."""
        return Identity(self.checkpoint.commit, digest, self.scoring.dtype, self.protocol.softmax)

    def missing(self) -> dict[Path, list[str]]:
        """Return the tasks whose scores are not in the store, by requests file."""
        return {
            file.path: names
            for file in self.requests
            if (names := [name for name, key in file.digests.items() if not self.store.has(self.identity(key))])
        }


def score_checkpoint(job: Job, output: Path) -> None:
    """Score what is missing under one checkpoint, then write all of its scores to `output`.

    Every finished task is kept at once, so a job that dies loses the tree it was working on and nothing else. Two
    copies of a job do not disturb each other: the second waits, then finds everything done.
    Raises `UserError` when the checkpoint cannot be had, loaded, or scored.
    """
    if job.missing():
        with _alone(job):
            if missing := job.missing():
                _score_missing(job, missing)
    else:
        logger.info("%s: every task has been scored before", job.checkpoint)
    _assemble(job, output)


@contextmanager
def _alone(job: Job) -> Iterator[None]:
    lock = job.store.folder / ".locks" / f"{job.checkpoint.commit}"
    with any_lock([lock], f"another job that scores {job.checkpoint}"):
        yield


def _score_missing(job: Job, missing: Mapping[Path, Sequence[str]]) -> None:
    with (
        fetched(job.checkpoint, job.scratch, limit=job.limit, keep=job.keep, hub_cache=job.hub_cache) as folder,
        one_gpu(job.scoring.device, os.environ) as gpu,
    ):
        choose(gpu)
        engine = _load(job, folder)
        for file in job.requests:
            if file.path in missing:
                _score_tree(job, engine, file, missing[file.path])


def _load(job: Job, folder: Path) -> "Engine":
    import torch

    from trajectories.scoring.engine import PACK_TOKENS, Engine
    from trajectories.scoring.load import load_model, pick_device

    if job.threads:
        torch.set_num_threads(job.threads)
    device = pick_device(job.scoring.device)
    size = job.scoring.pack_tokens
    pack_tokens = PACK_TOKENS.get(device.split(":")[0], 2048) if size == "auto" else size
    names = [file.name for file in job.checkpoint.files]  # nothing else that lies in the folder
    model = load_model(folder, job.scoring.dtype, device, files=names)
    return Engine(model, job.protocol.softmax, pack_tokens, job.scoring.attention)


def _score_tree(job: Job, engine: "Engine", file: RequestsFile, tasks: Sequence[str]) -> None:
    from trajectories.jobs.speed import leave_note, stopwatch
    from trajectories.progress import progress_bar
    from trajectories.scoring.check import trusted
    from trajectories.scoring.prefix_tree import build_tree
    from trajectories.scoring.requests import read_requests

    requests = read_requests(file.path).of_tasks(tasks)
    with progress_bar(len(requests), f"{job.checkpoint} {file.path.stem}") as advance, stopwatch() as seconds:
        try:
            scored = trusted(engine, requests).score(requests, advance)
        except UserError as error:
            raise UserError(f"{job.checkpoint}, {error}") from error
    _keep(job, engine, file, scored, requests)
    tokens = build_tree(scored.requests).nodes
    leave_note(job.store.folder, job.checkpoint.commit, tokens, seconds[0], str(engine.model.device))


def _keep(job: Job, engine: "Engine", file: RequestsFile, scored: "Scored", requests: "Requests") -> None:
    from trajectories.scoring.scores import score_table, write_scores

    table = score_table(scored)
    for name in requests.tasks:
        rows = table[table["task"] == name]
        if len(rows):
            key = file.digests[name]
            write_scores(rows, job.store.path(job.identity(key)), _provenance(job, engine, file, scored, requests, key))


def _provenance(
    job: Job, engine: "Engine", file: RequestsFile, scored: "Scored", requests: "Requests", digest: str
) -> dict[str, Any]:
    from trajectories.provenance import hardware, versions

    window = engine.window
    return {
        "commit": job.checkpoint.commit,
        "requests": digest,
        "tokenizer": file.header.get("tokenizer", ""),
        "dtype": job.scoring.dtype,
        "protocol": job.protocol.model_dump(),
        "pack_tokens": scored.pack_tokens,
        "way": scored.way,
        "proofs": dict(scored.proofs),
        "attention": engine.attention_used,
        "window": window,
        "cut_on_the_left": requests.longer_than(window),
        "device": str(engine.model.device),
        "hardware": hardware(str(engine.model.device)),
        "versions": versions(),
    }


def _assemble(job: Job, output: Path) -> None:
    """Put the stored scores of all tasks into one file; its metadata holds each task's own."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from trajectories.files import whole_file

    stored = {
        name: job.store.path(job.identity(key)) for file in job.requests for name, key in file.digests.items()
    }  # fmt: skip
    tables = {name: _kept(path) for name, path in stored.items()}
    made = {name: {k.decode(): v.decode() for k, v in table.schema.metadata.items()} for name, table in tables.items()}
    merged = pa.concat_tables([table.replace_schema_metadata(None) for table in tables.values()])
    header = {
        "model": job.checkpoint.model, "step": str(job.checkpoint.step), "source": job.checkpoint.source,
        "commit": job.checkpoint.commit, "tasks": json.dumps(made),
    }  # fmt: skip
    with whole_file(output) as part:
        pq.write_table(merged.replace_schema_metadata(header), part)


def _kept(path: Path) -> "pa.Table":
    """Read a file of the store; one that a disk has damaged is removed, so that the next try scores its task again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        path.unlink(missing_ok=True)
        raise UserError(f"{path}: was damaged and has been removed ({error}); run again to score it anew") from error

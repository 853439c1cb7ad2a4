"""The plan: what a study will download, keep on disk, compute and take, before anything is spent."""

import json
import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from trajectories.checkpoints.rates import LOAD_RATE, START, Device, find_device, forward_seconds, reached
from trajectories.checkpoints.resolved import Checkpoint, as_checkpoint
from trajectories.files import canonical_json
from trajectories.jobs.batches import cut
from trajectories.jobs.store import Identity, Store
from trajectories.scoring.prefix_tree import build_tree
from trajectories.scoring.requests import read_requests, requests_metadata
from trajectories.study.checkpoints import Checkpoints
from trajectories.study.protocol import Protocol
from trajectories.study.sections import Plan as PlanSettings
from trajectories.study.sections import Scoring
from trajectories.study.strict import Strict
from trajectories.tables import read_table, write_table

logger = logging.getLogger(__name__)
COLUMNS = (
    "model", "parameters", "checkpoints", "done", "to_do", "left_out", "jobs", "download_bytes", "largest_bytes",
    "tree_tokens", "row_tokens", "device", "seconds",
)  # fmt: skip


class Settings(Strict):
    """The sections of the config that the plan needs."""

    protocol: Protocol
    scoring: Scoring
    checkpoints: Checkpoints
    plan: PlanSettings


@dataclass(frozen=True)
class Work:
    """What is left to do for one checkpoint: tasks by requests file; bytes to download, tokens to score."""

    checkpoint: Checkpoint
    parameters: int
    download: int
    tree_tokens: int
    row_tokens: int

    @property
    def done(self) -> bool:
        """Whether every task has been scored before."""
        return self.row_tokens == 0


def write_plan(
    *,
    checkpoints: Path | str,
    requests: Mapping[str, Sequence[str]],
    study: str,
    store: Path | str,
    limit: int,
    sizes: Mapping[str, int],
    output: Path | str,
) -> None:
    """Write `plan.tsv`, a row per model, and print the sums.

    `requests` are each model's requests files, `study` is JSON with the sections of `Settings`, `limit` is how many
    downloaded checkpoints may lie on disk, `sizes` how many checkpoints of each model a job takes at most.
    """
    settings = Settings.model_validate_json(study)
    table = read_table(checkpoints, "checkpoints")
    device = find_device(settings.plan.device)
    works = works_of(table, requests, settings, Store(Path(store)))
    plan = plan_table(works, table, device, settings.scoring.dtype, sizes)
    write_table(plan, output)
    logger.info("note: %s", summary(plan, works, device, settings, limit))


def works_of(
    table: pd.DataFrame, requests: Mapping[str, Sequence[str]], settings: Settings, store: Store
) -> list[Work]:
    """Return what is left to do for every checkpoint that is used, in the table's order."""
    used, requests = table[table["used"].astype(bool)], _shared(requests)
    return [_work(row, requests[str(row["model"])], settings, store) for _, row in used.iterrows()]


def plan_table(
    works: Sequence[Work], table: pd.DataFrame, device: Device, dtype: str, sizes: Mapping[str, int]
) -> pd.DataFrame:
    """Return a row per model: how much is done, left, left out, and what the rest takes."""
    rows = []
    for model in dict.fromkeys(map(str, table["model"])):
        own = [work for work in works if work.checkpoint.model == model]
        todo = [work for work in own if not work.done]
        steps = tuple(sorted(map(int, table.loc[table["model"] == model, "step"])))
        jobs = started(steps, sizes[model], {work.checkpoint.step for work in todo})
        rows.append(
            {
                "model": model,
                "parameters": int(table.loc[table["model"] == model, "parameters"].iloc[0]),
                "checkpoints": len(own),
                "done": len(own) - len(todo),
                "to_do": len(todo),
                "left_out": int((table["model"] == model).sum()) - len(own),
                "jobs": jobs,
                "download_bytes": sum(work.download for work in todo),
                "largest_bytes": max((work.download for work in todo), default=0),
                "tree_tokens": sum(work.tree_tokens for work in todo),
                "row_tokens": sum(work.row_tokens for work in todo),
                "device": device.name,
                "seconds": round(START * jobs + sum(seconds(work, device, dtype) for work in todo), 1),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def started(steps: tuple[int, ...], size: int, todo: Set[int]) -> int:
    """Return how many jobs have something to score, of those that all steps of a model are cut into."""
    return sum(not todo.isdisjoint(run) for run in cut(steps, size))


def seconds(work: Work, device: Device, dtype: str) -> float:
    """Return how long a device is busy with one checkpoint: loading, one forward pass over the tree."""
    return work.checkpoint.size / LOAD_RATE + forward_seconds(device, work.parameters, work.tree_tokens, dtype)


def peak_disk(works: Sequence[Work], limit: int) -> int:
    """Return the most bytes of downloaded checkpoints on disk at once: the `limit` largest that are left."""
    return sum(sorted((work.download for work in works if not work.done), reverse=True)[:limit])


def summary(plan: pd.DataFrame, works: Sequence[Work], device: Device, settings: Settings, limit: int) -> str:
    """Return the plan in a few lines for people."""
    total = plan.drop(columns=["model", "device"]).sum()
    network = settings.plan.network_mb_per_s * 1e6
    download, busy = total["download_bytes"] / network, total["seconds"]
    saved = total["row_tokens"] / total["tree_tokens"] if total["tree_tokens"] else 1.0
    keep = settings.checkpoints.keep
    disk = total["download_bytes"] if keep else peak_disk(works, limit)
    too_big = [work for work in works if not work.done and work.checkpoint.size > device.memory * 1e9]
    lines = [
        f"plan: {total['to_do']:.0f} checkpoints to do, {total['done']:.0f} done, {total['left_out']:.0f} left out",
        f"  jobs: {total['jobs']:.0f}, each with checkpoints of one model",
        f"  download: {total['download_bytes'] / 1e9:.1f} GB, {_hours(download)} at {network / 1e6:.0f} MB/s",
        f"  disk: {disk / 1e9:.1f} GB at most ({'all are kept' if keep else f'{limit} checkpoints at once'})",
        f"  tokens: {total['tree_tokens'] / 1e6:.2f} million in prefix trees, {saved:.1f} times fewer than row by row",
        f"  {device.name}, {settings.scoring.dtype}: {_hours(busy)} busy, {_hours(max(busy, download))} in all if the "
        "next checkpoint comes while one is scored",
        f"  assumed: {_shares(plan, device, settings.scoring.dtype)} of the data sheet's peak, "
        f"{LOAD_RATE / 1e9:.0f} GB/s from disk, {START:.0f} s to start a job",
    ]
    lines += [f"  {work.checkpoint} does not fit into the memory of {device.name}" for work in too_big[:1]]
    return "\n".join(lines)


def _shares(plan: pd.DataFrame, device: Device, dtype: str) -> str:
    """Return the share of the peak that is reckoned with, of the smallest and of the largest model."""
    ends = (int(plan["parameters"].min()), int(plan["parameters"].max()))
    return " to ".join(dict.fromkeys(f"{reached(device, count, dtype):.0%}" for count in ends))


def _work(row: "pd.Series[Any]", requests: Sequence[str], settings: Settings, store: Store) -> Work:
    checkpoint = as_checkpoint(dict(row))
    tokens = [_tokens(path, _missing(path, checkpoint, settings, store)) for path in requests]
    row_tokens = sum(count for _, count in tokens)
    download = checkpoint.size if checkpoint.repo and row_tokens else 0
    return Work(checkpoint, int(row["parameters"]), download, sum(count for count, _ in tokens), row_tokens)


def _missing(path: str, checkpoint: Checkpoint, settings: Settings, store: Store) -> tuple[str, ...]:
    """Return the tasks of a requests file that have no finished scores under this checkpoint."""
    dtype, softmax = settings.scoring.dtype, settings.protocol.softmax
    digests = _digests(path)
    return tuple(
        name for name, key in digests.items() if not store.has(Identity(checkpoint.commit, key, dtype, softmax))
    )


def _shared(requests: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return each model's requests files, one path for all that hold the same: a tree is counted once."""
    first: dict[str, str] = {}
    return {
        model: [first.setdefault(canonical_json(_digests(path)), path) for path in paths]
        for model, paths in requests.items()
    }


@cache
def _digests(path: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(requests_metadata(path)["digests"])
    return found


@cache
def _tokens(path: str, tasks: tuple[str, ...]) -> tuple[int, int]:
    """Return the tokens of these tasks as one tree, and one row at a time."""
    if not tasks:
        return 0, 0
    requests = read_requests(path).of_tasks(tasks)
    return int(build_tree(requests).nodes), int(requests.lengths.sum()) - len(requests)


def _hours(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"

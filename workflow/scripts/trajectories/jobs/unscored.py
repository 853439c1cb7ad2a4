"""Which checkpoints have finished scores of every task, looked up before a job is made for them, or beside it."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from trajectories.checkpoints.resolved import is_used
from trajectories.jobs.store import Identity, Store
from trajectories.scoring.requests import requests_metadata
from trajectories.study.protocol import Protocol
from trajectories.study.sections import Scoring
from trajectories.study.strict import Strict
from trajectories.tables import read_rows


class Settings(Strict):
    """The sections of the config that say what scores are stored under."""

    protocol: Protocol
    scoring: Scoring


def finished(commit: str, requests: Sequence[str], store: Store, settings: Settings) -> bool:
    """Tell whether the store has the scores of every task of these requests files, which must all be there."""
    dtype, softmax = settings.scoring.dtype, settings.protocol.softmax
    return all(
        Path(path).is_file()
        and all(store.has(Identity(commit, digest, dtype, softmax)) for digest in _digests(path, _written(path)))
        for path in requests
    )


def unscored(
    checkpoints: str, model: str, steps: Sequence[int], requests: Sequence[str], store: str, study: str
) -> int:
    """Return how many of a model's checkpoints have a task without finished scores: all, before the audit has been.

    `study` is JSON with the sections of `Settings`.
    """
    if not Path(checkpoints).is_file():
        return len(steps)
    commits = _commits(checkpoints, _written(checkpoints))
    kept, settings = Store(Path(store)), _settings(study)
    own = [commits[model, step] for step in steps if (model, step) in commits]
    return sum(not finished(commit, requests, kept, settings) for commit in own)


@cache
def _settings(study: str) -> Settings:
    return Settings.model_validate_json(study)


@cache
def _commits(checkpoints: str, written: int) -> dict[tuple[str, int], str]:
    """Return the commit of each checkpoint that is used; a table is read again only when it has been written again."""
    rows = read_rows(checkpoints, "checkpoints")
    return {(row["model"], int(row["step"])): row["commit"] for row in rows if is_used(row)}


@cache
def _digests(path: str, written: int) -> tuple[str, ...]:
    found: dict[str, str] = json.loads(requests_metadata(path)["digests"])
    return tuple(found.values())


def _written(path: str) -> int:
    return Path(path).stat().st_mtime_ns

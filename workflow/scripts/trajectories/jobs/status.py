"""How far a study is, read from its files and locks while another Snakemake works on it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from trajectories.checkpoints.locks import is_free
from trajectories.checkpoints.scratch import on_disk
from trajectories.jobs.store import Store
from trajectories.jobs.unscored import Settings, finished
from trajectories.tables import read_table

State = Literal["done", "running", "failed", "waiting", "left out"]
STATES: tuple[State, ...] = ("done", "running", "waiting", "failed", "left out")
LAST_LINES = 3  # of a failed job's log


@dataclass(frozen=True)
class Work:
    """One checkpoint of the study: its state, when its scores came, how long its job took, its log's last lines."""

    model: str
    parameters: int
    step: int
    state: State
    finished: float | None = None  # seconds since the epoch
    seconds: float | None = None
    last_lines: tuple[str, ...] = ()


def print_status(
    *,
    models: Mapping[str, tuple[int, Sequence[int]]],
    results: Path | str,
    logs: Path | str,
    store: Path | str,
    scratch: Path | str,
    requests: Mapping[str, Sequence[str]],
    study: str,
) -> None:
    """Print the study's status.

    `models` maps each model to its parameters and steps, `requests` to its requests files; `study` is JSON with the
    sections of `unscored.Settings`; the rest are folders.
    """
    settings = Settings.model_validate_json(study)
    kept = Store(Path(store))
    works = look(models, Path(results), Path(logs), kept.folder, lambda m, c: finished(c, requests[m], kept, settings))
    print(summary(works, len(on_disk(Path(scratch))) if Path(scratch).is_dir() else 0, time.time()), flush=True)


def look(
    models: Mapping[str, tuple[int, Sequence[int]]],
    results: Path,
    logs: Path,
    store: Path,
    stored: Callable[[str, str], bool] = lambda model, commit: False,
) -> list[Work]:
    """Return the state of every checkpoint. Nothing is changed and nothing is waited for.

    `stored` tells whether a model's commit has all its scores in the store. They count as done where its scores file
    is not there (yet): Snakemake deletes the outputs of a batch of which one checkpoint failed.
    """
    audit = _audit(results / "checkpoints.tsv")
    places = [(model, int(size), int(step)) for model, (size, steps) in models.items() for step in steps]
    return [
        _work(model, size, step, audit.get((model, step)), results, logs, store, stored) for model, size, step in places
    ]


def summary(works: Sequence[Work], checkpoints_on_disk: int, now: float) -> str:
    """Return the status in a few lines for people; `now` is in seconds since the epoch."""
    counts = {state: sum(work.state == state for work in works) for state in STATES}
    lines = [f"{len(works)} checkpoints: " + ", ".join(f"{n} {state}" for state, n in counts.items() if n)]
    for model in dict.fromkeys(work.model for work in works):
        own = [work for work in works if work.model == model]
        running = ", ".join(f"step{work.step}" for work in own if work.state == "running")
        done = sum(work.state == "done" for work in own)
        lines.append(f"  {model}: {done} of {len(own)} done" + (f", running: {running}" if running else ""))
    for work in works:
        if work.state == "failed":
            lines += [f"failed: {work.model} step{work.step}", *(f"    {line}" for line in work.last_lines)]
    lines.append(f"on disk: {checkpoints_on_disk} downloaded checkpoints")
    recent = sum(work.finished is not None and now - work.finished < 3600 for work in works)
    lines.append(f"rate: {recent} checkpoints in the last hour")
    left = seconds_left(works)
    lines.append("time left: " + (_duration(left) if left is not None else "known once a checkpoint is done"))
    return "\n".join(lines)


def seconds_left(works: Sequence[Work]) -> float | None:
    """Return how long the rest takes with as many jobs at once as run now; None before anything is known.

    A job's time is taken to be a + b x parameters, fitted to the jobs that are done, or their mean where they are
    all of one size.
    """
    known = [(work.parameters, work.seconds) for work in works if work.seconds is not None]
    rest = [work.parameters for work in works if work.state in ("running", "waiting", "failed")]
    if not rest:
        return 0.0
    if not known:
        return None
    sizes, seconds = np.array(known, dtype=np.float64).T
    slope = max(0.0, float(np.polyfit(sizes, seconds, 1)[0])) if np.ptp(sizes) else 0.0
    start = max(0.0, float(seconds.mean() - slope * sizes.mean()))
    running = max(1, sum(work.state == "running" for work in works))
    return float(sum(start + slope * size for size in rest)) / running


def _work(
    model: str,
    size: int,
    step: int,
    row: tuple[str, bool] | None,
    results: Path,
    logs: Path,
    store: Path,
    stored: Callable[[str, str], bool],
) -> Work:
    scores = results / "scores" / model / f"step{step}.parquet"
    commit, used = row or ("", True)
    lock = store / ".locks" / commit
    if row and lock.exists() and not is_free(lock):
        return Work(model, size, step, "running")
    took = results / "benchmarks" / "score" / model / f"step{step}.tsv"
    if scores.exists() or (row and used and stored(model, commit)):
        when = _finished(took) or _finished(scores)
        return Work(model, size, step, "done" if used else "left out", when, _seconds(took) if used else None)
    lines = _last_lines(logs / "score" / model / f"step{step}.log")
    failed = any("error: " in line or "this is a bug" in line for line in lines)
    return Work(model, size, step, "failed" if failed else "waiting", last_lines=lines if failed else ())


def _audit(path: Path) -> dict[tuple[str, int], tuple[str, bool]]:
    """Return commit and whether it is used, of each checkpoint that the audit has seen."""
    if not path.exists():
        return {}
    table = read_table(path, "checkpoints")
    columns = zip(table["model"], table["step"], table["commit"], table["used"], strict=True)
    return {(str(model), int(step)): (str(commit), bool(used)) for model, step, commit, used in columns}


def _finished(path: Path) -> float | None:
    return path.stat().st_mtime if path.exists() else None


def _seconds(path: Path) -> float | None:
    try:
        return float(pd.read_csv(path, sep="\t")["s"].iloc[0])
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _last_lines(path: Path) -> tuple[str, ...]:
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 4000))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(line for line in text.splitlines() if line.strip())[-LAST_LINES:]


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"

"""How fast scoring was: notes that jobs leave beside the store, and the table made from them.

The notes are no part of the scores, so that scores stay the same, byte for byte, however long they took and whichever
checkpoint of a model came first.
"""

import json
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from trajectories.provenance import hardware
from trajectories.tables import read_table, write_table


@dataclass(frozen=True)
class Note:
    """One tree scored under one checkpoint: tokens run, seconds, peak memory of host and GPU in MB, device, proofs.

    The proofs' figures are those that the model's way of scoring rests on, some measured under an earlier checkpoint.
    """

    tokens: int
    seconds: float
    host_mb: float
    gpu_mb: float
    device: str
    proofs: Mapping[str, float | str] = field(default_factory=dict)


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """Yield a list that holds the seconds the block took once it has ended."""
    taken: list[float] = []
    started = time.perf_counter()
    yield taken
    taken.append(time.perf_counter() - started)


def leave_note(
    store: Path,
    commit: str,
    tokens: int,
    seconds: float,
    device: str,
    proofs: Mapping[str, float | str] = MappingProxyType({}),
) -> None:
    """Add a note on one tree to the checkpoint's; one short write, so that two jobs' notes do not mix."""
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    note = Note(tokens, seconds, host, _gpu_mb(device), hardware(device), dict(proofs))
    path = notes_path(store, commit)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(note)) + "\n")


def read_notes(store: Path, commit: str) -> list[Note]:
    """Return a checkpoint's notes; a line that was cut short by a crash is left out."""
    notes = []
    path = notes_path(store, commit)
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            notes.append(Note(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return notes


def notes_path(store: Path, commit: str) -> Path:
    """Return where the notes of a checkpoint are."""
    return store / "speed" / f"{commit}.jsonl"


def write_speed(*, checkpoints: Path | str, benchmarks: Path | str, store: Path | str, output: Path | str) -> None:
    """Write `speed.tsv`, a row per model: what its jobs took.

    `benchmarks` is the folder of what each checkpoint took, `<model>/step<step>.tsv` (`traces.py`), with seconds and
    memory. A model whose checkpoints were all scored elsewhere before has no notes and gets NA.
    """
    table = read_table(checkpoints, "checkpoints")
    used = table[table["used"].astype(bool)]
    rows = [_row(str(model), part, Path(benchmarks), Path(store)) for model, part in used.groupby("model", sort=False)]
    write_table(pd.DataFrame(rows), output, "speed")


def _row(model: str, part: pd.DataFrame, benchmarks: Path, store: Path) -> dict[str, object]:
    notes = [note for commit in part["commit"] for note in read_notes(store, str(commit))]
    jobs = [_benchmark(benchmarks / model / f"step{step}.tsv") for step in part["step"]]
    seconds, memory = [job[0] for job in jobs if job], [job[1] for job in jobs if job]
    tokens, busy = sum(note.tokens for note in notes), sum(note.seconds for note in notes)
    return {
        "model": model,
        "parameters": int(part["parameters"].iloc[0]),
        "checkpoints": len(part),
        "tokens": tokens,
        "seconds": round(busy, 3),
        "tokens_per_second": round(tokens / busy, 1) if busy else None,
        "job_seconds": round(_middle(seconds), 1) if seconds else None,
        "peak_mb": round(max([note.host_mb for note in notes] + memory), 1) if notes or memory else None,
        "peak_gpu_mb": round(max(note.gpu_mb for note in notes), 1) if any(note.gpu_mb for note in notes) else None,
        "device": ", ".join(sorted({note.device for note in notes})) or None,
    }


def _benchmark(path: Path) -> tuple[float, float] | None:
    """Return seconds and peak memory in MB of one checkpoint in its job."""
    if not path.is_file():
        return None
    row = pd.read_csv(path, sep="\t", na_values=["-"]).iloc[0]
    return float(row["s"]), 0.0 if pd.isna(row["max_rss"]) else float(row["max_rss"])


def _middle(values: Sequence[float]) -> float:
    return float(pd.Series(values).median())


def _gpu_mb(device: str) -> float:
    if not device.startswith("cuda"):
        return 0.0
    import torch

    return torch.cuda.max_memory_allocated(device) / 2**20

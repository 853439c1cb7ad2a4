"""What each checkpoint of a batch leaves for `status`, `speed` and the report: a log of its own, and what it took."""

import logging
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trajectories.files import write_text


@dataclass(frozen=True)
class Traces:
    """Folders with a file per model and step: logs, and seconds and memory in the form of Snakemake's benchmarks."""

    logs: Path
    benchmarks: Path
    own_logs: bool = True  # not for a checkpoint that has the process to itself: the process's log is its own

    @contextmanager
    def of(self, model: str, step: int) -> Iterator[Callable[[], None]]:
        """Log the block, and yield what is to be called when the checkpoint is done, which writes what it took."""
        started = time.monotonic()
        handler = self._handler(model, step) if self.own_logs else logging.NullHandler()
        logging.getLogger().addHandler(handler)
        try:
            yield lambda: self._took(model, step, time.monotonic() - started)
        finally:
            logging.getLogger().removeHandler(handler)
            handler.close()

    def _handler(self, model: str, step: int) -> logging.Handler:
        path = self.logs / model / f"step{step}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, mode="w", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
        return handler

    def _took(self, model: str, step: int, seconds: float) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        write_text(self.benchmarks / model / f"step{step}.tsv", f"s\tmax_rss\n{seconds:.4f}\t{peak:.2f}\n")

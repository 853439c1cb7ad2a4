"""The folder in which downloaded checkpoints lie: never more than a few, and none left behind.

    <scratch>/<model>/step<step>/        a whole, verified checkpoint
    <scratch>/<model>/step<step>.part/   one that is being downloaded, or was when its job died
    <scratch>/<model>/step<step>.ahead   says that a whole one was fetched ahead of time and must wait for its job
    <scratch>/.locks/                    one lock per checkpoint in use, one per slot, one for tidying up

Locks belong to the kernel: a killed job's are free at once, and what it left is removed or resumed by the next one.
"""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trajectories.checkpoints.locks import any_lock, is_free, try_lock, wait_for
from trajectories.checkpoints.resolved import Checkpoint

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where one checkpoint lies in the scratch folder."""

    scratch: Path
    model: str
    step: int

    @property
    def whole(self) -> Path:
        """The folder of the verified checkpoint."""
        return self.scratch / self.model / f"step{self.step}"

    @property
    def part(self) -> Path:
        """The folder it is downloaded into."""
        return self.scratch / self.model / f"step{self.step}.part"

    @property
    def ahead(self) -> Path:
        """The file that marks a checkpoint fetched ahead of time."""
        return self.scratch / self.model / f"step{self.step}.ahead"

    @property
    def lock(self) -> Path:
        """The lock its user holds."""
        return self.scratch / ".locks" / f"{self.model}--step{self.step}"

    def remove(self) -> None:
        """Delete whatever of this checkpoint is on disk."""
        self.remove_whole()
        shutil.rmtree(self.part, ignore_errors=True)

    def remove_whole(self) -> None:
        """Delete the whole checkpoint; a download that broke off stays to be resumed."""
        shutil.rmtree(self.whole, ignore_errors=True)
        self.ahead.unlink(missing_ok=True)


class Slots:
    """The slots for checkpoints on disk that one job holds, of the `limit` there are; None: no bound is kept here.

    A job waits for its first slot and keeps it to its end. A further one it takes only when it is free: whoever waits
    while holding something others wait for, as a GPU, may wait for ever.
    """

    def __init__(self, scratch: Path, limit: int | None) -> None:
        self.scratch = scratch
        self.limit = limit
        self._paths = [scratch / ".locks" / f"slot{number}" for number in range(limit or 0)]
        self._held: list[int] = []

    def first(self) -> None:
        """Wait for a slot, unless one is held already."""
        if self.limit is not None and not self._held:
            self._held.append(wait_for(self._paths, f"one of the {self.limit} places for checkpoints on disk")[0])

    def another(self) -> bool:
        """Take a second slot if one is free; tell whether two are held now."""
        if self.limit is None or len(self._held) > 1:
            return True
        free = next((handle for path in self._paths if (handle := try_lock(path)) is not None), None)
        self._held += [] if free is None else [free]
        return free is not None

    def __enter__(self) -> "Slots":
        return self

    def __exit__(self, *_: object) -> None:
        while self._held:
            os.close(self._held.pop())


@contextmanager
def claimed(checkpoint: Checkpoint, scratch: Path, *, limit: int | None = 2, keep: bool = False) -> Iterator[Place]:
    """Hold one checkpoint's place in `scratch` for the block; the caller holds a slot for it.

    Waits for a second job on the same checkpoint, and tidies up what killed jobs left. At the end the checkpoint is
    removed unless `keep`. With `limit=None` the number on disk is not bounded.
    """
    place = Place(scratch, checkpoint.model, checkpoint.step)
    with any_lock([place.lock], f"another job on {checkpoint}"):
        with any_lock([scratch / ".locks" / "tidying"], "another job's tidying up"):
            if not keep:
                tidy(place, limit)
        try:
            yield place
        finally:
            if not keep:
                place.remove_whole()


def tidy(own: Place, limit: int | None) -> None:
    """Remove what dead jobs left in the scratch folder.

    Whole checkpoints go (they were in use, or about to be removed), unless fetched ahead. Unfinished downloads stay
    to be resumed as long as not more than `limit` checkpoints, `own` among them, lie on disk.
    """
    present = [place for place in on_disk(own.scratch) if place != own]
    leftover = [place for place in present if not place.ahead.exists() and is_free(place.lock)]
    for place in [place for place in leftover if place.whole.exists()]:
        logger.info("removing %s, which a stopped job left", place.whole)
        place.remove()
    unfinished = [place for place in leftover if place.part.exists()]
    unfinished.sort(key=lambda place: place.part.stat().st_mtime)
    surplus = len(on_disk(own.scratch)) + (own not in present) - (limit or len(present) + 1)
    for place in unfinished[: max(0, surplus)]:
        logger.info("removing %s to stay within %s checkpoints on disk", place.part, limit)
        place.remove()


def on_disk(scratch: Path) -> list[Place]:
    """Return every checkpoint of which something lies on disk, whole or not."""
    found = {
        Place(scratch, folder.parent.name, int(folder.name.removeprefix("step").removesuffix(".part")))
        for folder in scratch.glob("[!.]*/step*")
        if folder.is_dir() and folder.name.removeprefix("step").removesuffix(".part").isdigit()
    }
    return sorted(found, key=lambda place: (place.model, place.step))

"""Checkpoints arrive one ahead: while one is scored, the next one is fetched, verified and read into memory."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from trajectories.checkpoints.scratch import Slots
from trajectories.jobs.job import Job

BLOCK = 1 << 22  # bytes read at once


class Arrivals:
    """The folders of a batch's checkpoints, each there for as long as it is scored."""

    def __init__(self, jobs: Sequence[Job], slots: Slots) -> None:
        self._jobs = list(jobs)
        self._slots = slots
        self._coming: _Coming | None = None

    @contextmanager
    def folder(self, job: Job) -> Iterator[Path]:
        """Yield the verified folder of a job's checkpoint, and send for the next one that has something to score.

        Raises `UserError` when the checkpoint cannot be had.
        """
        coming, self._coming = self._coming, None
        if coming is not None and coming.job is not job:  # another process has scored it meanwhile
            coming.give_back()
            coming = None
        if coming is None:
            coming = _Coming(job, self._slots)
            coming.fetch()
        try:
            folder = coming.wait()
            self._send_for_next(job)
            yield folder
        finally:
            coming.give_back()

    def _send_for_next(self, job: Job) -> None:
        later = self._jobs[self._jobs.index(job) + 1 :]
        following = next((other for other in later if other.missing()), None)
        if following and (following.checkpoint.folder is not None or self._slots.another()):
            self._coming = _Coming(following, self._slots)
            self._coming.start()

    def __enter__(self) -> "Arrivals":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._coming is not None and (kind is None or issubclass(kind, Exception)):
            self._coming.give_back()


class _Coming(threading.Thread):
    """A checkpoint on its way. A process that is told to stop does not wait for it."""

    def __init__(self, job: Job, slots: Slots) -> None:
        super().__init__(name=f"fetch {job.checkpoint}", daemon=True)
        self.job = job
        self._slots = slots
        self._held = ExitStack()
        self._folder = Path()
        self._error: BaseException | None = None

    def fetch(self) -> None:
        """Fetch the checkpoint here and now; what goes wrong is raised where it is waited for."""
        from trajectories.checkpoints.fetch import fetched  # and with it the hub's client, which most jobs never need

        job = self.job
        try:
            arriving = fetched(job.checkpoint, self._slots, keep=job.keep, hub_cache=job.hub_cache)
            self._folder = self._held.enter_context(arriving)
        except BaseException as error:
            self._error = error

    def run(self) -> None:
        """Fetch the checkpoint on a thread of its own, and read its files so that they load from memory."""
        self.fetch()
        for file in self.job.checkpoint.files if self._error is None else ():
            with (self._folder / file.name).open("rb", buffering=0) as stream:
                while stream.read(BLOCK):
                    pass

    def wait(self) -> Path:
        """Return the checkpoint's folder once it is there, or raise what went wrong."""
        if self.ident is not None:
            self.join()
        if self._error is not None:
            raise self._error
        return self._folder

    def give_back(self) -> None:
        """Let go of the checkpoint, which then goes from the disk, once it has come."""
        if self.ident is not None:
            self.join()
        self._held.close()

"""Locks that the kernel gives back when their holder dies, however it dies."""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)
POLL = 0.2  # seconds between looks at a lock that someone else holds


def try_lock(path: Path) -> int | None:
    """Take the lock at `path` if it is free; return its descriptor (closing it unlocks), or None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock at `path`."""
    handle = try_lock(path)
    if handle is None:
        return False
    os.close(handle)
    return True


@contextmanager
def any_lock(paths: list[Path], what: str) -> Iterator[Path]:
    """Hold the first of several locks that is free, waiting until one is; `what` is for the log."""
    handle, path = wait_for(paths, what)
    try:
        yield path
    finally:
        os.close(handle)


def wait_for(paths: list[Path], what: str) -> tuple[int, Path]:
    """Take the first of several locks that is free, waiting until one is; return its descriptor and path."""
    waiting = False
    while True:
        for path in paths:
            if (handle := try_lock(path)) is not None:
                return handle, path
        if not waiting:
            logger.info("waiting for %s", what)
        waiting = True
        time.sleep(POLL)

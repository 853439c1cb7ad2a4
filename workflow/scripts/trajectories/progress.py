"""Progress of long stages: a bar in a terminal, a line now and then in a log."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_LINES = 15.0


@contextmanager
def progress_bar(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Yield a function to be told how many more are done."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(total=total, desc=what, leave=False) as bar:
            yield lambda count: bar.update(count) and None
        return
    lines = _Lines(total, what)
    yield lines.advance
    logger.info("%s: %d of %d", what, lines.done, total)


class _Lines:
    def __init__(self, total: int, what: str) -> None:
        self.total, self.what, self.done = total, what, 0
        self._next = time.monotonic() + SECONDS_BETWEEN_LINES

    def advance(self, count: int) -> None:
        self.done += count
        if time.monotonic() >= self._next:
            logger.info("%s: %d of %d", self.what, self.done, self.total)
            self._next = time.monotonic() + SECONDS_BETWEEN_LINES

"""What every thin script does around its one call: logging, and errors in the form users get them."""

import errno
import gc
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from trajectories.errors import UserError

logger = logging.getLogger(__name__)

CALM = "TRAJECTORIES_CALM"  # set by the logger plugin: what a stage says goes to its log, not to the terminal


def _silent_when_interrupted(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


# The one thing done at import: Ctrl-C reaches jobs too, and one that is still importing pandas or torch, before `stage`
# sends what it says to its log, would fill the calm terminal with a traceback.
if os.environ.get(CALM):
    sys.excepthook = _silent_when_interrupted


@contextmanager
def stage(log: Path | str | None) -> Iterator[None]:
    """Run one stage: its log goes to `log` and to stderr; a `UserError` ends it with one line and status 1.

    Under a calm terminal everything that would go to stderr, also from libraries, goes to the log alone.

    The traceback of a `UserError` goes to a file beside the log (`.traceback`), since the logs of failed jobs are
    shown; that of a bug goes to the log and the terminal.
    """
    gc.freeze()  # what is loaded stays: looking for cycles in it, as Python does when it ends, takes 0.1 s
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log is not None:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        if os.environ.get(CALM):
            _stderr_to(Path(log))
        else:
            handlers.append(logging.FileHandler(log, encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(_Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    for chatty in ("fontTools", "httpx2"):  # every font table of every figure, every request to the hub
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        yield
    except UserError as error:
        _give_up(str(error), log)
    except Exception as error:  # the outermost edge: a bug's traceback belongs in the log and on the terminal
        if trouble := disk_trouble(error):
            _give_up(trouble, log)
        logger.exception("this is a bug in trajectories, please report it with this log")
        sys.exit(1)


class _Formatter(logging.Formatter):
    """Marks warnings and indents further lines: whoever reads the log, a person or the terminal's view, finds them."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        first, *more = record.message.splitlines() or [""]
        marked = f"warning: {first}" if record.levelno == logging.WARNING else first
        record.message = "\n".join([marked, *(line if line.startswith(" ") else f"  {line}" for line in more)])
        return super().formatMessage(record)


def _stderr_to(log: Path) -> None:
    """Send this process's stderr, and that of everything it starts, to the log."""
    sys.stderr.flush()
    with log.open("ab") as stream:
        os.dup2(stream.fileno(), 2)


def disk_trouble(error: BaseException) -> str:
    """Return one line for a disk that is full or read-only, whichever library met it; empty for anything else."""
    text = str(error)
    for number, cure in ((errno.ENOSPC, "make room"), (errno.EDQUOT, "make room"), (errno.EROFS, "see to its mount")):
        if getattr(error, "errno", None) == number or os.strerror(number) in text:
            return f"{text}; {cure}, then run the same command again"
    return ""


def _give_up(message: str, log: Path | str | None) -> NoReturn:
    """End with one line and status 1; the traceback goes beside the log, if there is still room for it."""
    logger.error("error: %s", message)
    if log is not None:
        with suppress(OSError):
            Path(f"{log}.traceback").write_text(traceback.format_exc(), encoding="utf-8")
    sys.exit(1)

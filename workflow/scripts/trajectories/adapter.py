"""What every thin script does around its one call: logging, and errors in the form users get them."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trajectories.errors import UserError

logger = logging.getLogger(__name__)


@contextmanager
def stage(log: Path | str | None) -> Iterator[None]:
    """Run one stage: its log goes to `log` and to stderr; a `UserError` ends it with one line and status 1.

    The traceback of a `UserError` goes to a file beside the log (`.traceback`), since the logs of failed jobs are
    shown; that of a bug goes to the log and the terminal.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log is not None:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(log, encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    for chatty in ("fontTools", "httpx2"):  # every font table of every figure, every request to the hub
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        yield
    except UserError as error:
        logger.error("error: %s", error)
        if log is not None:
            Path(f"{log}.traceback").write_text(traceback.format_exc(), encoding="utf-8")
        sys.exit(1)
    except Exception:  # the outermost edge: a bug's traceback belongs in the log and on the terminal
        logger.exception("this is a bug in trajectories, please report it with this log")
        sys.exit(1)

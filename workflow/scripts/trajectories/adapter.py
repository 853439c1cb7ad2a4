"""What every thin script does around its one call: logging, and errors in the form users get them."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trajectories.errors import UserError

logger = logging.getLogger(__name__)


@contextmanager
def stage(log: Path | str | None) -> Iterator[None]:
    """Run one stage: its log goes to `log` and to stderr, a `UserError` ends it with one line and status 1.

    Tracebacks of user errors go to `log` only; those of bugs go to both.
    """
    terminal = logging.StreamHandler(sys.stderr)
    terminal.addFilter(lambda record: not getattr(record, "log_only", False))
    handlers: list[logging.Handler] = [terminal]
    if log is not None:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(log, encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", handlers=handlers,
                        force=True)  # fmt: skip
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports every font table of every figure
    try:
        yield
    except UserError as error:
        logger.info("traceback", exc_info=True, extra={"log_only": True})
        logger.error("error: %s", error)
        sys.exit(1)
    except Exception:  # the outermost edge: a bug's traceback belongs in the log and on the terminal
        logger.exception("this is a bug in trajectories, please report it with this log")
        sys.exit(1)

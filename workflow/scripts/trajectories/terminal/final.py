"""Jobs that end with a user's mistake are not tried again: what is wrong in a file is wrong the second time too."""

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

_SAID = re.compile(r"^\d\d:\d\d:\d\d (.*)", re.MULTILINE)  # what a stage says begins with the time
_END = 20_000  # bytes of a log that are looked at


class Final(logging.Handler):
    """Hears of failed jobs before Snakemake decides whether to try them again, and uses up the tries of some.

    A job that was killed, or met a bug, is tried again as the profile says; a second try asks for more memory.
    """

    def __init__(self, dag: Any) -> None:
        super().__init__()
        self._dag = dag

    def emit(self, record: logging.LogRecord) -> None:
        """Take the tries from a job whose log ends with a mistake."""
        if getattr(record, "event", None) != LogEvent.JOB_ERROR or not is_mistake(getattr(record, "log", ())):
            return
        for job in self._dag.jobs:
            if job.jobid == record.jobid:  # type: ignore[attr-defined]
                job.attempt = job.restart_times + 1


def is_mistake(logs: Iterable[str]) -> bool:
    """Tell whether the last thing a job said in one of its logs is a user's mistake."""
    return any(_last_said(Path(log)).startswith("error: ") for log in logs)


def _last_said(log: Path) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - _END))
            said = _SAID.findall(stream.read().decode("utf-8", "replace"))
    except OSError:
        return ""
    return str(said[-1]) if said else ""

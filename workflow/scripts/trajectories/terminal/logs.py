"""What a job's log says: how far it is, and in one line why it failed."""

import re
from pathlib import Path

_TAIL = 8000  # bytes
_TIME = re.compile(r"^\d\d:\d\d:\d\d ")
_RAISED = re.compile(r"[\w.]*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b")
_LONGEST = 100  # characters of a line shown beside a bar


def last_line(log: Path) -> str:
    """Return the last line of a log without its time, cut to what fits beside a bar; empty where there is none."""
    lines = _tail(log)
    return _TIME.sub("", lines[-1])[:_LONGEST] if lines else ""


def size(log: Path) -> int:
    """Return the bytes of a log so far; 0 where there is none."""
    try:
        return log.stat().st_size
    except OSError:
        return 0


def remarks(log: Path, start: int) -> list[str]:
    """Return the warnings and notes that a log got after byte `start`."""
    lines = [_TIME.sub("", line) for line in _tail(log, start)]
    return [line.removeprefix("note: ") for line in lines if line.startswith(("warning: ", "note: "))]


def failure_of(log: Path) -> str:
    """Return why a job failed, from its log: its last `error:` line, or the last line of a traceback, or nothing."""
    lines = [_TIME.sub("", line) for line in _tail(log)]
    told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if told:
        return told[-1]
    if any("this is a bug" in line for line in lines):
        raised = [line for line in lines if _RAISED.match(line)] or lines
        return f"{raised[-1]} (a bug in trajectories: please report it with the log)"
    return ""


def _tail(log: Path, start: int = 0) -> list[str]:
    try:
        with log.open("rb") as stream:
            stream.seek(max(start, log.stat().st_size - _TAIL))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()]

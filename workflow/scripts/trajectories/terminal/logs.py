"""What a job's log says: how far it is, and in one line why it failed."""

import re
from pathlib import Path

_TAIL = 8000  # bytes in which the last line is looked for
_END = 40_000  # bytes in which entries are looked for
_TIME = re.compile(r"^\d\d:\d\d:\d\d ")
_RAISED = re.compile(r"[\w.]*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b")
NOTE = "note: "  # begins what a stage says for whoever waits at the terminal
_LONGEST = 100  # characters of a line shown beside a bar


def last_line(log: Path) -> str:
    """Return the last line of a log without its time, cut to what fits beside a bar; empty where there is none."""
    lines = _tail(log)
    return _TIME.sub("", lines[-1])[:_LONGEST] if lines else ""


def remarks(log: Path) -> list[str]:
    """Return the warnings and notes of a log, each with all its lines; Snakemake begins the log of every try anew."""
    return [entry for entry in _entries(log) if entry.startswith(("warning: ", NOTE))]


def failure_of(log: Path) -> str:
    """Return why a job failed, from its log: its last error with all its lines, or the last line of a traceback."""
    told = [entry.removeprefix("error: ") for entry in _entries(log) if entry.startswith("error: ")]
    if told:
        return told[-1]
    lines = _tail(log, _END)
    if any("this is a bug" in line for line in lines):
        raised = [line for line in lines if _RAISED.match(line)] or lines
        return f"{raised[-1]} (a bug in trajectories: please report it with the log)"
    return ""


def _entries(log: Path) -> list[str]:
    """Return what was said, without times; the lines that belong to what stands above them are indented."""
    entries: list[str] = []
    for line in _tail(log, _END):
        if _TIME.match(line):
            entries.append(_TIME.sub("", line))
        elif entries and line.startswith(" "):
            entries[-1] += f"\n{line}"
        else:
            entries.append(line)
    return entries


def _tail(log: Path, most: int = _TAIL) -> list[str]:
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - most))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()]

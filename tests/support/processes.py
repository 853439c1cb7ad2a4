"""The processes that score checkpoints of a study, found as an administrator would find them."""

import os
from pathlib import Path


def scoring(folder: Path) -> list[int]:
    """Return the ids of the processes that run `score.py` in `folder`, oldest first."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if len(arguments) > 1 and arguments[1].endswith(b"/score.py") and (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
        except OSError:  # it has ended, or belongs to somebody else
            continue
    return sorted(found)


def ended(pid: int) -> bool:
    """Whether a process is gone, or waits only to be collected by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def signal_all(pids: list[int], number: int) -> None:
    """Send a signal to processes that may have ended."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue

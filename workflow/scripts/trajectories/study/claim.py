"""One Snakemake at a time works on a study; the claim ends with the process that holds it, however that ends.

Snakemake's own lock is a file that stays behind when Snakemake is killed and that somebody has to know how to remove.
The profiles switch it off; this claim, a lock of the kernel on one file of the study, takes its place.
"""

import errno
import fcntl
import os
import socket
from pathlib import Path

from trajectories.errors import UserError


def claim(folder: Path | str) -> int:
    """Claim the study in `folder` for this process and return the descriptor that holds the claim until it is closed.

    Raises `UserError` when another process holds it, naming that process, or when the folder cannot be written to.
    """
    path = Path(folder) / ".claim"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise UserError(
            f"{path.parent}: cannot be written to ({error.strerror}); see to its disk, then run again"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(handle, 200).decode(errors="replace").strip()
        os.close(handle)
        raise UserError(
            f"{path.parent}: another Snakemake is at work on this study ({holder}); wait for it or stop it. "
            "`snakemake status --cores 1` shows how far it is"
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
        return handle  # a file system without locks: nothing to hold, and jobs are harmless when they run twice
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
    return handle

"""Snakemake runs that start at once, as do their jobs: in forks of a Python that has imported what they need.

What tests interrupt, measure or look for as a user's process, `python -m snakemake`, they start themselves.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.warm_python import executable

TIMEOUT = 600.0


def run_snakemake(
    arguments: Sequence[str], cwd: Path | str, env: Mapping[str, str], timeout: float = TIMEOUT
) -> "subprocess.CompletedProcess[str]":
    """Run `snakemake` with these arguments to its end; return status and output, as `subprocess.run` does.

    Raises `TimeoutExpired` after `timeout` seconds, when the run and what it started are killed.
    """
    command = [str(executable(env)), "-m", "snakemake", *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, process_group=0,
    ) as run:  # fmt: skip
        try:
            out, err = run.communicate(timeout=timeout)
        except BaseException:
            os.killpg(run.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(command, run.returncode, out, err)

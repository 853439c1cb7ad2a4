"""Snakemake runs that start at once: forked from a process that has imported Snakemake, which takes seconds.

Each run is a process of its own, with its own environment, folder and output. What tests start, interrupt or look at as
a user's process, `python -m snakemake`, they start themselves.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

TIMEOUT = 600.0


def run_snakemake(
    arguments: Sequence[str], cwd: Path | str, env: Mapping[str, str], timeout: float = TIMEOUT
) -> "subprocess.CompletedProcess[str]":
    """Run `snakemake` with these arguments to its end; return status and output, as `subprocess.run` does.

    Raises `TimeoutExpired` after `timeout` seconds, when the run and what it started are killed.
    """
    command = ["snakemake", *map(str, arguments)]
    server = _server(os.getpid())
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        order = {"argv": command, "cwd": str(cwd), "env": dict(env), "out": str(out), "err": str(err)}
        server.stdin.write(json.dumps(order).encode() + b"\n")
        server.stdin.flush()
        child = int(server.stdout.readline())
        if not select.select([server.stdout], [], [], timeout)[0]:
            os.killpg(child, 9)
            server.stdout.readline()
            raise subprocess.TimeoutExpired(command, timeout, out.read_text(), err.read_text())
        status = int(server.stdout.readline())
        return subprocess.CompletedProcess(command, status, out.read_text(), err.read_text())


@cache
def _server(_owner: int) -> "subprocess.Popen[bytes]":
    """Return this process's server, which ends with it: its standard input is closed then."""
    command = [sys.executable, str(Path(__file__).resolve())]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment)


def serve() -> None:
    """Fork a run for each order on standard input; write its process id, and at its end its status."""
    del sys.path[0]  # this folder, whose modules have names that others may have too
    import snakemake.cli  # noqa: F401

    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    orders = os.fdopen(os.dup(0), "rb")
    while line := orders.readline():
        child = os.fork()
        if child == 0:
            orders.close()
            answers.close()
            _run(json.loads(line))
        answers.write(b"%d\n" % child)
        _, status = os.waitpid(child, 0)
        answers.write(b"%d\n" % os.waitstatus_to_exitcode(status))


def _run(order: Mapping[str, Any]) -> None:
    """Be the run: never returns."""
    from snakemake.cli import main

    os.setpgid(0, 0)
    for number, path, how in ((0, os.devnull, os.O_RDONLY), (1, order["out"], os.O_WRONLY | os.O_CREAT),
                              (2, order["err"], os.O_WRONLY | os.O_CREAT)):  # fmt: skip
        opened = os.open(path, how, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv[:] = order["argv"]
    status: Any = 1
    try:
        main(order["argv"][1:])
        status = 0
    except SystemExit as end:
        status = end.code
    finally:
        if isinstance(status, str):
            print(status, file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    serve()

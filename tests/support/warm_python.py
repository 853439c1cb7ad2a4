"""A Python that has imported what stages and Snakemake need, and runs scripts in forks of itself.

Importing torch, transformers, statsmodels and Snakemake takes longer than most stages of a small study. `executable`
is a program that runs a script, or `-m snakemake`, as Python does: in a process of its own with its own environment,
folder and output, in the process group of whoever started it, with nothing of this project imported before. All else,
and what must be a process as users have it (to be found, measured or killed), is for Python itself.
"""

import ast
import atexit
import gc
import os
import runpy
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

LIBRARIES = (
    "snakemake.cli", "snakemake.script", "pandas", "pyarrow.parquet", "scipy.stats", "statsmodels.api",
    "statsmodels.stats.multitest", "matplotlib.figure", "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf", "matplotlib.backends.backend_svg", "torch", "torch.utils.flop_counter",
    "safetensors.torch", "tokenizers", "pydantic",
)  # fmt: skip
SETTLED = (
    "transformers.models.auto.modeling_auto", "transformers.models.auto.tokenization_auto",
    "transformers.models.gpt_neox.modeling_gpt_neox", "lm_eval.tasks", "lm_eval.api.task",
)  # fmt: skip
"""Libraries that settle where the hub is when they are imported: not for those who have a hub of their own."""

CLIENT = """import os, signal, socket, sys
words = sys.argv[1:]
if not words or os.environ.get("PYTHONPATH") or not (words[0].endswith(".py") or words[:2] == ["-m", "snakemake"]):
    os.execv({python!r}, [{python!r}, *words])
with socket.socket(socket.AF_UNIX) as line:
    line.connect({address!r})
    order = repr((words, os.getcwd(), dict(os.environ), os.getpgrp()))
    socket.send_fds(line, [order.encode()], [1, 2])
    line.shutdown(socket.SHUT_WR)
    status = int(line.recv(16) or b"1")
if status < 0:
    signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


def executable(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the program for what runs in this environment; it is there as long as this process is."""
    return _program(os.getpid(), _settings(environment) == _OWN)


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(("HF_", "TRANSFORMERS_"))}


_OWN = _settings(os.environ)  # before any test changes them


@cache
def _program(_owner: int, settled: bool) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    program, address = folder / "python", folder / "line"
    environment = {name: value for name, value in os.environ.items() if name not in _settings(os.environ)}
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), str(program), str(address), *["settled"] * settled],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment | _OWN | {"OMP_NUM_THREADS": "1"},
        process_group=0,
    )  # fmt: skip
    atexit.register(server.communicate)  # closes its standard input, at which it ends
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return program


def serve(program: Path, address: Path, settled: bool) -> None:
    """Run scripts until standard input ends; `settled` ones find libraries that know one hub."""
    del sys.path[0]  # this folder, whose modules have names that others may have too
    client = program.with_name("client.py")
    client.write_text(CLIENT.format(python=sys.executable, address=str(address)))
    words = shlex.join([sys.executable, "-IS", str(client)])
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    program.chmod(0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen(64)
        print("ready", flush=True)  # who asks now waits for what follows
        for library in (*LIBRARIES, *SETTLED * settled):
            import_module(library)
        sys.executable = str(program)  # for what is started by Snakemake
        gc.collect()
        gc.freeze()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks after those who watch
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            line, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _watch(line)
            line.close()
    shutil.rmtree(program.parent)


def _watch(line: socket.socket) -> NoReturn:
    """Start what is asked for and say how it ended; kill it when nobody waits for it any more."""
    order, streams, _, _ = socket.recv_fds(line, 1 << 20, 2)
    while part := line.recv(1 << 20):
        order += part
    job = os.fork()
    if job == 0:
        line.close()
        _become(*ast.literal_eval(order.decode()), streams)
    for stream in (*streams, 0, 1, 2):
        os.close(stream)  # whoever reads them waits for the job alone
    ended = os.pidfd_open(job)
    gone = select.poll()
    gone.register(line, select.POLLHUP)
    gone.register(ended, select.POLLIN)
    if all(place != ended for place, _ in gone.poll()):
        os.kill(job, signal.SIGKILL)
    _, status = os.waitpid(job, 0)
    with suppress(OSError):
        line.sendall(b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(
    words: Sequence[str], folder: str, environment: dict[str, str], group: int, streams: Sequence[int]
) -> NoReturn:
    """Be the process that was asked for."""
    with suppress(OSError):  # it has ended, or is of another session
        os.setpgid(0, group)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for place, stream in enumerate(streams, start=1):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    status: Any = 0
    try:
        _run(words)
    except SystemExit as end:
        status = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        status = 1
    if isinstance(status, str):
        print(status, file=sys.stderr)
    with suppress(Exception):
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


def _run(words: Sequence[str]) -> None:
    if words[0] == "-m":
        sys.argv[:] = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv[:] = words
        sys.path.insert(0, str(Path(words[0]).resolve().parent))
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]), settled="settled" in sys.argv[3:])

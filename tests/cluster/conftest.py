"""A real Slurm for the tests of this folder, installed where it is missing and taken down at the end."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.slurm import SCRIPT, Slurm
from support.toy import finished_study, quiet_environment


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    installed = subprocess.run([SCRIPT, "install"], capture_output=True, text=True, timeout=900)
    if installed.returncode == 77:
        pytest.skip(installed.stdout.strip())
    assert installed.returncode == 0, installed.stderr
    folder = tmp_path_factory.mktemp("slurm")
    environment = quiet_environment() | {
        "SLURM_CONF": f"{folder}/etc/slurm.conf",
        "SLURM_TEST_PORT": str(_free_port()),
        "PATH": f"{folder}/bin:/usr/sbin:{os.environ['PATH']}",
    }
    running = Slurm(folder, environment)
    running.script("start")
    yield running
    running.script("stop")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config of a study whose tables have been made here, without Slurm and without trouble."""
    return finished_study(tmp_path_factory.mktemp("undisturbed"))


def _free_port() -> int:
    """Return a port that is free now, as is the next one most likely; the kernel's own choices lie higher."""
    for port in range(16817, 17817, 2):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("no free port")

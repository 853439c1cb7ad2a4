"""One job per GPU, with pretended GPUs: spread, never shared, shared between runs, free again after a kill."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trajectories.errors import UserError
from trajectories.jobs.devices import some_gpus, visible_gpus

HOLDER = """
import logging, os, sys
from trajectories.jobs.devices import choose, some_gpus
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
for handler in logging.root.handlers: handler.flush()
with some_gpus("auto", 1, os.environ) as gpu:
    choose(gpu)
    print("holds", os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.stdin.readline()
"""
# Takes a device many times over and writes what it does to one file, a line at a time.
WORKER = """
import os, sys
from trajectories.jobs.devices import some_gpus
events = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
for _ in range(int(sys.argv[2])):
    with some_gpus("cuda", 1, os.environ) as gpu:
        os.write(events, f"take {gpu} {os.getpid()}\\n".encode())
        os.sched_yield()
        os.write(events, f"give {gpu} {os.getpid()}\\n".encode())
"""
SCHEDULERS = {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "KUBERNETES_SERVICE_HOST", "CUDA_VISIBLE_DEVICES"}


class Machine:
    """A machine whose processes see the given GPUs, and its jobs."""

    def __init__(self, folder: Path, project: Path) -> None:
        self.folder = folder
        self.environment = {key: value for key, value in os.environ.items() if key not in SCHEDULERS} | {
            "PYTHONPATH": str(project / "workflow" / "scripts"),
            "TRAJECTORIES_LOCKS": str(folder / "locks"),
        }
        self.jobs: list[subprocess.Popen[str]] = []

    def start(self, gpus: str, code: str = HOLDER, *arguments: str) -> subprocess.Popen[str]:
        """Start a job that sees `gpus`."""
        job = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=self.folder, env=self.environment | {"CUDA_VISIBLE_DEVICES": gpus},
        )  # fmt: skip
        self.jobs.append(job)
        return job


def line(job: subprocess.Popen[str]) -> str:
    """Return the next line a job says."""
    assert job.stdout is not None
    return job.stdout.readline().strip()


@pytest.fixture
def machine(tmp_path: Path, project: Path) -> Iterator[Machine]:
    made = Machine(tmp_path, project)
    yield made
    for job in made.jobs:
        job.kill()
        job.communicate()


def test_jobs_spread_over_the_gpus_and_the_next_one_waits(machine: Machine) -> None:
    jobs = [machine.start("0,1,2") for _ in range(3)]
    assert {line(job) for job in jobs} == {"holds 0", "holds 1", "holds 2"}
    late = machine.start("0,1,2")
    assert line(late) == "waiting for one of 3 GPU(s)"
    jobs[1].communicate("done\n")
    assert line(late).startswith("holds ")


def test_a_second_run_on_the_machine_takes_what_the_first_leaves(machine: Machine, tmp_path: Path) -> None:
    first = machine.start("0,1")
    held = line(first).split()[1]
    (tmp_path / "elsewhere").mkdir()
    machine.folder = tmp_path / "elsewhere"  # another working directory, the same locks
    assert line(machine.start("1,0")) == f"holds {'1' if held == '0' else '0'}"
    assert line(machine.start(held)) == "waiting for one of 1 GPU(s)"


def test_a_killed_job_gives_its_gpu_back(machine: Machine) -> None:
    first = machine.start("GPU-8f2c")
    assert line(first) == "holds GPU-8f2c"
    waiting = machine.start("GPU-8f2c")
    assert line(waiting) == "waiting for one of 1 GPU(s)"
    first.kill()
    assert line(waiting) == "holds GPU-8f2c"


def test_many_jobs_never_share_a_gpu(machine: Machine, tmp_path: Path) -> None:
    events = tmp_path / "events"
    events.touch()
    jobs = [machine.start("0,1", WORKER, str(events), "5") for _ in range(6)]
    assert [job.wait(timeout=120) for job in jobs] == [0] * 6
    holder: dict[str, str | None] = {"0": None, "1": None}
    for action, gpu, process in map(str.split, events.read_text().splitlines()):
        assert holder[gpu] == (None if action == "take" else process)
        holder[gpu] = process if action == "take" else None
    assert len(events.read_text().splitlines()) == 2 * 6 * 5


@pytest.mark.parametrize("scheduler", ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "KUBERNETES_SERVICE_HOST"])
def test_a_scheduler_that_hands_out_devices_is_left_alone(scheduler: str, tmp_path: Path) -> None:
    environment = {scheduler: "7", "CUDA_VISIBLE_DEVICES": "0,1", "TRAJECTORIES_LOCKS": str(tmp_path)}
    with some_gpus("auto", 1, environment) as gpu:
        assert gpu is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("device", ["cpu", "mps", "cuda:1"])
def test_nothing_is_chosen_for_other_devices(device: str, tmp_path: Path) -> None:
    with some_gpus(device, 1, {"CUDA_VISIBLE_DEVICES": "0,1", "TRAJECTORIES_LOCKS": str(tmp_path)}) as gpu:
        assert gpu is None


def test_gpus_are_those_the_process_may_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": " 3, 1,"}) == ["3", "1"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}) == []
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "-1"}) == []
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus({}) == ["0", "1"]
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert visible_gpus({}) == []


def test_a_job_of_several_gpus_holds_them_all(tmp_path: Path) -> None:
    environment = {"CUDA_VISIBLE_DEVICES": "0,1,2", "TRAJECTORIES_LOCKS": str(tmp_path)}
    with some_gpus("auto", 2, environment) as several:
        assert several == "0,1"
        with some_gpus("auto", 1, environment) as one:
            assert one == "2"
    with some_gpus("auto", 3, environment) as every:
        assert every == "0,1,2"


def test_more_gpus_than_there_are_is_an_error(tmp_path: Path) -> None:
    environment = {"CUDA_VISIBLE_DEVICES": "0", "TRAJECTORIES_LOCKS": str(tmp_path)}
    with (
        pytest.raises(UserError, match=r"scoring.gpus: 2 are asked for, and this machine gives 1"),
        some_gpus("auto", 2, environment),
    ):
        pass

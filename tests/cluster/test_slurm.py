"""Studies through a real Slurm: the demo whole; a small one with jobs and Snakemake killed and stopped."""

import getpass
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from support.demo import assert_inverse_scaling_was_found
from support.processes import ended, scoring
from support.slurm import Slurm
from support.studies import copy_project
from support.toy import PROJECT, TABLES, differences, snakemake_command, stored, unscored_copy
from trajectories.jobs.batches import crew_of, job_sizes
from trajectories.study.config import Study

PROFILE = [
    *("--workflow-profile", str(PROJECT / "profiles" / "slurm")),
    *("--slurm-status-command", "squeue", "--slurm-no-account"),  # no accounting database here
    *("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"),
    *("--latency-wait", "15"),
    "--logger-trajectories-full",  # what was submitted is read from what Snakemake says
]


def start(slurm: Slurm, config: Path, targets: Sequence[str] = (), *options: str) -> subprocess.Popen[bytes]:
    """Start a study through Slurm; its output goes to `run.log` beside the config."""
    return submit(slurm, config, snakemake_command(config, *targets, *PROFILE, *options), config.parent)


def submit(slurm: Slurm, config: Path, command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    with (config.parent / "run.log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=slurm.environment, stdout=log, stderr=log)


def log_of(config: Path) -> str:
    return (config.parent / "run.log").read_text()


def finish(run: subprocess.Popen[bytes], config: Path, timeout: int = 420) -> None:
    assert run.wait(timeout=timeout) == 0, log_of(config)


def wait_until(what: Callable[[], object], run: subprocess.Popen[bytes], config: Path) -> None:
    """Wait for something to become true while a run is going on."""
    for _ in range(2400):
        if what():
            return
        assert run.poll() is None, log_of(config)
        time.sleep(0.1)
    raise AssertionError("it did not happen:\n" + log_of(config))


def test_the_demo_whole_in_few_submissions(slurm: Slurm, tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    config = project / "studies" / "demo.yaml"
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", str(config), *PROFILE]
    finish(submit(slurm, config, command, project), config, timeout=1800)
    assert_inverse_scaling_was_found(project)
    assert "Memo Trap" in (project / "results" / "demo" / "report.html").read_text()
    submitted = re.findall(r"has been submitted with SLURM jobid (\d+)", log_of(config))
    study = Study.from_config(yaml.safe_load(config.read_text()))
    sizes = job_sizes(study, crew_of(study, [], None, 64, 8, 30))
    batches = sum(math.ceil(len(study.steps_of(model)) / sizes[model.name]) for model in study.models)
    assert batches < 12  # of 44 checkpoints
    # beside them the corpus and four models to train; encoding, statistics with figures, and seven more
    assert len(submitted) == batches + 5 + 9
    local = re.findall(r"(?m)^localrule (\w+):", log_of(config))
    assert {"audit", "questions"} <= set(local)


def test_a_killed_job_a_time_limit_and_a_killed_daemon(slurm: Slurm, study: Path, undisturbed: Path) -> None:
    run = start(slurm, study, TABLES, "--set-resources", "score:runtime=1*attempt")
    wait_until(lambda: len(scoring(study.parent)) >= 2, run, study)
    stopped, killed = scoring(study.parent)[:2]
    os.kill(stopped, signal.SIGSTOP)  # it will exceed its minute
    os.kill(killed, signal.SIGKILL)
    os.kill(slurm.daemon(), signal.SIGKILL)
    wait_until(lambda: ended(slurm.daemon()), run, study)
    slurm.script("daemon")
    finish(run, study)
    assert differences(study, undisturbed) == []
    assert log_of(study).count("Trying to restart job") >= 2
    assert "status is: 'TIMEOUT'" in log_of(study) or "TIMEOUT" in log_of(study)


def test_snakemake_killed_and_started_again_with_the_same_command(slurm: Slurm, study: Path, undisturbed: Path) -> None:
    run = start(slurm, study, TABLES)
    wait_until(lambda: list(study.parent.glob("results/toy/scores/*/*.parquet")) and scoring(study.parent), run, study)
    run.kill()
    run.wait()
    done = stored(study)
    assert done
    finish(start(slurm, study, TABLES), study)  # while the jobs of the first are still there
    assert differences(study, undisturbed) == []
    assert done.items() <= stored(study).items()  # what was finished has not been made again


@pytest.fixture
def study(undisturbed: Path, tmp_path: Path) -> Path:
    """The config of the same study with audit, questions and requests made, and nothing scored."""
    return unscored_copy(undisturbed, tmp_path / "study")


@pytest.fixture(autouse=True)
def _nothing_left(slurm: Slurm) -> Iterator[None]:
    """Cancel what a failed test left, so that the next one starts on an empty queue."""
    yield
    slurm.command("scancel", "--user", getpass.getuser())

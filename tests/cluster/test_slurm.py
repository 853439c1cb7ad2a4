"""A study through a real Slurm: whole, with jobs killed and stopped, and after Snakemake itself was killed."""

import getpass
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from support.processes import ended, scoring
from support.slurm import Slurm
from support.toy import PROJECT, TABLES, differences, snakemake_command, stored, tables, unscored_copy, write_toy

PROFILE = [
    *("--workflow-profile", str(PROJECT / "profiles" / "slurm")),
    *("--slurm-status-command", "squeue", "--slurm-no-account"),  # no accounting database here
    *("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"),
    *("--latency-wait", "15"),
]


def start(slurm: Slurm, config: Path, targets: Sequence[str] = (), *options: str) -> subprocess.Popen[bytes]:
    """Start a study through Slurm; its output goes to `run.log` beside the config."""
    command = snakemake_command(config, *targets, *PROFILE, *options)
    with (config.parent / "run.log").open("ab") as log:
        return subprocess.Popen(command, cwd=config.parent, env=slurm.environment, stdout=log, stderr=log)


def log_of(config: Path) -> str:
    return (config.parent / "run.log").read_text()


def finish(run: subprocess.Popen[bytes], config: Path) -> None:
    assert run.wait(timeout=420) == 0, log_of(config)


def wait_until(what: Callable[[], object], run: subprocess.Popen[bytes], config: Path) -> None:
    """Wait for something to become true while a run is going on."""
    for _ in range(2400):
        if what():
            return
        assert run.poll() is None, log_of(config)
        time.sleep(0.1)
    raise AssertionError("it did not happen:\n" + log_of(config))


def test_a_whole_study_in_few_submissions(slurm: Slurm, undisturbed: Path, tmp_path: Path) -> None:
    config = write_toy(tmp_path, questions=8)
    finish(start(slurm, config), config)
    assert tables(undisturbed).items() <= tables(config).items()
    submitted = re.findall(r"has been submitted with SLURM jobid (\d+)", log_of(config))
    assert len(submitted) == 8  # six checkpoints, one for encoding, one for all that follows
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

"""A study is stopped in every way a machine knows; the same command goes on and ends in the same bytes.

What was finished is never made again, and nobody has to unlock anything.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.processes import scoring
from support.toy import (
    TABLES,
    differences,
    finished_study,
    quiet_environment,
    run_toy,
    snakemake_command,
    stored,
    unscored_copy,
)

pytestmark = pytest.mark.slow  # minutes, of real runs


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_study(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def study(undisturbed: Path, tmp_path: Path) -> Path:
    return unscored_copy(undisturbed, tmp_path / "study")


def start(config: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start the study on one core, in a session of its own; its output goes to `run.log`."""
    command = snakemake_command(config, *TABLES, *options, cores=1)
    with (config.parent / "run.log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=config.parent, env=quiet_environment(), stdout=log, stderr=log, start_new_session=True,
            preexec_fn=hear_interrupts,
        )  # fmt: skip


def hear_interrupts() -> None:
    """Undo what a shell does to its background jobs: a run started from one would ignore Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def wait_until(what: Callable[[], object], config: Path) -> None:
    for _ in range(2400):
        if what():
            return
        time.sleep(0.05)
    raise AssertionError((config.parent / "run.log").read_text())


def second_job(config: Path) -> int:
    """Wait until one checkpoint is finished and another one is to be scored; return that job's process."""
    wait_until(lambda: list(config.parent.glob("results/toy/scores/*/*.parquet")) and scoring(config.parent), config)
    return scoring(config.parent)[0]


def goes_on(config: Path, undisturbed: Path, done: dict[Path, int]) -> None:
    """Run the same command again; it must succeed, keep what was done, and end in the same bytes."""
    again = run_toy(config, *TABLES, cores=1)
    assert again.returncode == 0, again.stderr
    assert differences(config, undisturbed) == []
    assert done.items() <= stored(config).items()


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        signal.SIGKILL,
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_snakemake_is_stopped(study: Path, undisturbed: Path, number: int) -> None:
    run = start(study)
    second_job(study)
    done = stored(study)
    assert done
    os.kill(run.pid, number)
    assert run.wait(timeout=120) != 0
    goes_on(study, undisturbed, done)


@pytest.mark.slow
def test_a_killed_job_is_tried_again_by_itself(study: Path, undisturbed: Path) -> None:
    run = start(study)
    os.kill(second_job(study), signal.SIGKILL)
    assert run.wait(timeout=300) == 0, (study.parent / "run.log").read_text()
    assert differences(study, undisturbed) == []


def test_a_killed_job_costs_nothing_but_the_tree_in_hand(study: Path, undisturbed: Path) -> None:
    run = start(study, "--retries", "0")
    os.kill(second_job(study), signal.SIGKILL)
    assert run.wait(timeout=300) == 1
    made = list(study.parent.glob("results/toy/scores/*/*.parquet"))
    assert len(made) == 3  # the other model's batch; Snakemake deletes the outputs of the killed one
    done = stored(study)
    assert len(done) >= 3 * 2 + 2  # what the killed batch had finished is in the store: a checkpoint of two tasks
    goes_on(study, undisturbed, done)


def test_a_second_snakemake_is_told_so_in_one_line(study: Path, undisturbed: Path) -> None:
    run = start(study)
    second_job(study)
    second = run_toy(study, *TABLES, cores=1)
    assert second.returncode == 1
    assert f"another Snakemake is at work on this study (process {run.pid} on " in second.stderr
    assert "Traceback" not in second.stderr
    assert run.wait(timeout=300) == 0
    assert differences(study, undisturbed) == []


MOUNTED = """
set -eu
mount -t tmpfs -o size=96m study study
cp -a before/. study/
{trouble}
status=0; {command} > first.log 2>&1 || status=$?; echo $status > first
cp -a study/results first.results
{cure}
status=0; {command} > second.log 2>&1 || status=$?; echo $status > second
cp -a study/. after/
"""


@pytest.mark.parametrize(
    ("trouble", "cure", "message"),
    [
        # Room for some of the work, not for all of it; Snakemake's own notes lie on the same disk.
        ("dd if=/dev/zero of=study/ballast bs=4k 2>/dev/null || true; truncate -s -{room} study/ballast",
         "rm study/ballast", "No space left on device"),
        ("mount --bind study/results study/results; mount -o remount,bind,ro study/results",
         "mount -o remount,bind,rw study/results", "Read-only file system"),
    ],
    ids=["full", "read-only"],
)  # fmt: skip
def test_the_disk_fails_and_comes_back(
    undisturbed: Path, tmp_path: Path, trouble: str, cure: str, message: str
) -> None:
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            ["unshare", "--mount", "mount", "-t", "tmpfs", "none", tmp_path], capture_output=True
        ).returncode
    ):
        pytest.skip("this test mounts a small disk of its own, which is not permitted here")
    for folder in ("study", "after"):
        (tmp_path / folder).mkdir()
    shutil.move(unscored_copy(undisturbed, tmp_path / "copy").parent, tmp_path / "before")
    config = tmp_path / "study" / "study.yaml"
    command = " ".join(snakemake_command(config, *TABLES, "--retries", "0", cores=1))
    script = MOUNTED.format(trouble=trouble.format(room=120_000), cure=cure, command=command)
    unshared = ["unshare", "--mount", "--propagation", "private", "bash", "-c", script]
    subprocess.run(unshared, cwd=tmp_path, env=quiet_environment(), timeout=500, check=True)
    assert (tmp_path / "first").read_text().strip() == "1"
    first = (tmp_path / "first.log").read_text()
    assert message in first
    assert "this is a bug" not in first
    second = (tmp_path / "second.log").read_text()
    assert (tmp_path / "second").read_text().strip() == "0", second
    assert differences(tmp_path / "after" / "study.yaml", undisturbed) == []

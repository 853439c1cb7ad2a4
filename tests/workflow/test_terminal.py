"""What a person sees of a run: little while it goes well, each mistake once and last."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SNAKEFILE = """
from snakemake.logging import logger

onsuccess:
    logger.info("report: here", extra={"made": True})

rule all:
    input: [f"made/{name}.txt" for name in config["names"].split("+")]

rule make:
    output: "made/{name}.txt"
    log: "logs/{name}.log"
    shell:
        "echo 12:00:00 {wildcards.name} of 9 >> {log}; sleep 0.2;"
        "case {wildcards.name} in slow) sleep 60;; lasting) sleep 3;; esac;"
        "case {wildcards.name} in bad*)"
        " echo '12:00:01 error: {wildcards.name} is wrong; mend it' >> {log}; exit 1;; esac;"
        "echo noise >> {log};"
        "echo 12:00:02 warning: look at {wildcards.name} >> {log}; touch {output}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    return tmp_path


def command(names: str, *options: str) -> list[str]:
    base = [sys.executable, "-m", "snakemake", "--cores", "2", "--keep-going", "--logger", "trajectories", *options]
    return [*base, "--config", f"names={names}"]


def run(folder: Path, names: str, *options: str) -> tuple[int, str]:
    done = subprocess.run(
        command(names, *options), cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_run_that_goes_well_says_little_and_ends_with_what_it_made(folder: Path) -> None:
    status, printed = run(folder, "a+b+c+d")
    lines = printed.splitlines()
    assert status == 0
    assert lines[-1] == "report: here"
    assert sorted(lines[-5:-1]) == [f"warning: look at {name}" for name in "abcd"]
    assert len(lines) <= 8
    assert "Nothing to be done" in run(folder, "a+b+c+d")[1]


def test_each_failed_job_is_one_line_at_the_end(folder: Path) -> None:
    status, printed = run(folder, "a+bad1+bad2", "--retries", "1")
    lines = printed.splitlines()
    assert status == 1
    assert sorted(lines[-3:-1]) == [
        f"error: bad{n} is wrong; mend it · make bad{n} · log: logs/bad{n}.log" for n in (1, 2)
    ]
    assert lines[-1].startswith("2 failed, 1 of 3 jobs done")
    for noise in ("RuleException", "CalledProcessError", "WorkflowError", "message: None", "Traceback"):
        assert noise not in printed


def test_all_of_it_is_one_option_away_and_in_the_log_file(folder: Path) -> None:
    _, printed = run(folder, "bad1", "--logger-trajectories-full")
    logs = "".join(path.read_text() for path in (folder / ".snakemake" / "log").glob("*.log"))
    for text in (printed, logs):
        assert "rule make:" in text
        assert "Error in rule make" in text


def test_a_dry_run_shows_its_jobs(folder: Path) -> None:
    assert re.search(r"make +2", run(folder, "a+b", "--dry-run")[1])


def test_a_wrong_target_is_still_told(folder: Path) -> None:
    done = subprocess.run(
        [*command("a"), "--", "nonsense.txt"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "nonsense.txt" in done.stdout + done.stderr


def test_ctrl_c_ends_with_one_line(folder: Path) -> None:
    with (folder / "out").open("wb") as out:
        going = subprocess.Popen(
            command("a+slow"), cwd=folder, stdout=out, stderr=out, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        for _ in range(600):
            if (folder / "made" / "a.txt").exists() and (folder / "logs" / "slow.log").exists():
                break
            time.sleep(0.1)
        time.sleep(1)
        os.killpg(going.pid, signal.SIGINT)
        assert going.wait(timeout=60) != 0
    lines = (folder / "out").read_text().splitlines()
    assert lines[-1].startswith("interrupted after 1 of 2 jobs: what is finished is kept")
    assert not any("RuleException" in line or "error:" in line for line in lines)


def test_a_terminal_gets_bars_with_the_job_in_hand(folder: Path) -> None:
    main, other = pty.openpty()
    going = subprocess.Popen(
        command("a+b+lasting"),
        cwd=folder,
        stdout=other,
        stderr=other,
        env={**os.environ, "COLUMNS": "140", "TERM": "xterm"},
    )
    os.close(other)
    shown = b""
    while True:
        try:
            part = os.read(main, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    assert going.wait(timeout=60) == 0
    text = shown.decode(errors="replace")
    assert "3/3" in text
    assert "lasting of 9" in text
    assert "report: here" in text
    assert "rule make:" not in text

"""The whole chain on a local hub: a suite with wrong checkpoints, bad days, two interruptions, the same numbers.

By default every model has two steps in the study; with TRAJECTORIES_WHOLE_CHAIN=1 eight, which takes minutes.
"""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from support.hub_runs import PATIENCE, Workflow, scoring_jobs, undisturbed, wait_for
from support.hub_server import LocalHub
from support.hub_study import OWNER, WIDTHS, config, publish_suite
from trajectories.checkpoints.scratch import on_disk
from trajectories.study.config import Study
from trajectories.tables import read_table

pytestmark = pytest.mark.slow  # minutes, of real runs

WHOLE = os.environ.get("TRAJECTORIES_WHOLE_CHAIN") == "1"
STEPS = (1, 2, 4, 8, 16, 32, 64, 128) if WHOLE else (4, 128)
COUNTS = {"truthfulqa": 817, "memo_trap": 860} if WHOLE else {"truthfulqa": 40, "memo_trap": 60}


@pytest.fixture
def suite(data_hub: LocalHub, shared_data: Path) -> LocalHub:
    """Four models; one with a copy of its last step under an earlier name, one without a branch."""
    publish_suite(data_hub, shared_data, COUNTS, STEPS)
    copied = data_hub.repos["models", f"{OWNER}/tiny-b"]
    data_hub.commit(f"{OWNER}/tiny-b", f"step{STEPS[0]}", copied.commits[copied.branches["main"]])
    data_hub.drop_branch(f"{OWNER}/tiny-c", f"step{STEPS[0]}")
    return data_hub


@pytest.fixture
def workflow(suite: LocalHub, project: Path, tmp_path: Path) -> Workflow:
    (tmp_path / "run").mkdir()
    return Workflow(suite, project, tmp_path / "run", config("tiny", STEPS, COUNTS, anomalies="exclude"))


@contextmanager
def most_on_disk(scratch: Path) -> Iterator[list[int]]:
    """Watch how many checkpoints lie on disk at once."""
    seen, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            seen.append(len(on_disk(scratch)))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def bad_day(hub: LocalHub) -> None:
    """Let requests of every kind fail once or twice."""
    hub.fail("/refs", 429, times=2, Retry_After="1")
    hub.fail("/tree/", 500, times=2)
    hub.fail("/storage/", 503)
    hub.fail("/storage/", "cut", times=2)
    hub.fail("/storage/", "flip")
    hub.fail("/storage/", 403)
    hub.fail("/storage/", 429, Retry_After="1")


def disturbed_twice(workflow: Workflow) -> None:
    """Kill a job that is downloading, then ask the workflow itself to stop once a checkpoint is scored."""
    workflow.hub.delay = 0.1  # a download lasts most of a second
    running = workflow.start()
    try:
        scratch = workflow.results / "checkpoints"
        wait_for(lambda: list(scratch.glob("*/*.part")), running)
        wait_for(lambda: scoring_jobs(running), running)[0].send_signal(signal.SIGKILL)
        wait_for(workflow.finished, running)
        running.send_signal(signal.SIGTERM)
        running.wait(PATIENCE)
    finally:
        workflow.hub.delay = 0.0
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode != 0


def test_the_same_accuracies_after_faults_and_interruptions(workflow: Workflow, tmp_path: Path) -> None:
    settings = yaml.safe_load((workflow.folder / "study.yaml").read_text())
    expected = undisturbed(Study.from_config(settings), tmp_path / "undisturbed")
    bad_day(workflow.hub)
    with most_on_disk(workflow.results / "checkpoints") as seen:
        disturbed_twice(workflow)
        assert 0 < len(workflow.finished()) < len(WIDTHS) * len(STEPS)
        before = workflow.stored()
        assert workflow.run() == 0, workflow.said()[-3000:]
    assert max(seen) <= 2
    assert on_disk(workflow.results / "checkpoints") == []
    assert all(fault.times == 0 for fault in workflow.hub.faults), "a fault was never met"
    assert (workflow.results / "accuracy.tsv").read_bytes() == expected
    after = workflow.stored()
    assert before.items() <= after.items(), "a finished checkpoint was scored again"
    assert len(after) == 3 * (len(WIDTHS) * len(STEPS) - 2)

    table = read_table(workflow.results / "checkpoints.tsv", "checkpoints")
    wrong = table[table["status"] != "ok"]
    assert list(zip(wrong["model"], wrong["step"], wrong["status"], wrong["used"], strict=True)) == [
        ("tiny-b", STEPS[0], f"duplicate-of-step{STEPS[-1]}", False), ("tiny-c", STEPS[0], "missing", False),
    ]  # fmt: skip
    workflow.hub.seen.clear()
    assert workflow.run() == 0
    assert "Nothing to be done" in workflow.said()[-3000:]
    assert workflow.hub.seen == []


def test_plan_audit_and_the_lock(suite: LocalHub, project: Path, tmp_path: Path) -> None:
    """Anomalies stop the audit; with them excluded, the plan says what it takes; a moved branch waits for a refresh."""
    settings = config("tiny", STEPS, COUNTS)
    (tmp_path / "run").mkdir()
    workflow = Workflow(suite, project, tmp_path / "run", settings)
    assert workflow.run("audit") != 0
    said = workflow.said()
    assert f"error: 1 of {len(WIDTHS) * len(STEPS)} checkpoints are not what their names say, 1 is missing" in said
    assert "anomalies: exclude" in said
    assert f"tiny-b: step {STEPS[0]}: duplicate-of-step{STEPS[-1]}" in said
    assert (workflow.results / "checkpoints.stopped.tsv").exists()

    settings["checkpoints"]["anomalies"] = "exclude"
    (tmp_path / "run/study.yaml").write_text(yaml.safe_dump(settings))
    assert workflow.run("plan") == 0, workflow.said()[-3000:]
    to_do = len(WIDTHS) * len(STEPS) - 2
    assert f"plan: {to_do} checkpoints to do, 0 done, 2 left out" in workflow.said()
    assert not suite.requests(r"^/storage/.*name=model.safetensors") or all(
        seen.range for seen in suite.requests(r"^/storage/.*name=model.safetensors")
    )

    assert workflow.run("fetch") == 0, workflow.said()[-3000:]
    assert f"fetch: 2 of {to_do} unscored checkpoints lie in" in workflow.said()
    assert len(on_disk(workflow.results / "checkpoints")) == 2

    lock = (workflow.results / "checkpoints.tsv").read_bytes()
    kept = suite.repos["models", f"{OWNER}/tiny-a"]
    suite.commit(f"{OWNER}/tiny-a", f"step{STEPS[0]}", kept.commits[kept.branches["main"]] | {"README.md": b"moved"})
    assert workflow.run("audit") == 0
    assert (workflow.results / "checkpoints.tsv").read_bytes() == lock
    assert workflow.run("audit", "--forcerun", "audit") == 0
    table = read_table(workflow.results / "checkpoints.tsv").set_index(["model", "step"])
    assert "warning: left out: tiny-a" in workflow.said()
    assert table.loc[("tiny-a", STEPS[0]), "status"] == f"duplicate-of-step{STEPS[-1]}"
    assert json.loads(table.loc[("tiny-a", STEPS[1]), "files"])

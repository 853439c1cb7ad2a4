"""Healing in real runs: copied branches with the right weights in their past, without, and with a mirror."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.hub_runs import PATIENCE, Workflow, scoring_jobs, undisturbed, wait_for
from support.hub_server import LocalHub
from support.hub_study import OWNER, config, publish_suite
from trajectories.study.config import Study
from trajectories.tables import read_table

pytestmark = pytest.mark.slow  # minutes, of real runs

STEPS = (4, 128)
COUNTS = {"truthfulqa": 10, "memo_trap": 20}
HEALED = {"tiny-a": "an earlier commit", "tiny-c": "step4 of the mirror backup/{model}"}
PLACE = ["model", "step", "task", "metric"]


@pytest.fixture
def healthy(data_hub: LocalHub, shared_data: Path) -> LocalHub:
    publish_suite(data_hub, shared_data, COUNTS, STEPS)
    return data_hub


def make_sick(hub: LocalHub) -> None:
    """Put copies of `main` on three early branches: one with its past, one without, one without but with a mirror."""
    for model in ("tiny-a", "tiny-b", "tiny-c"):
        kept = hub.repos["models", f"{OWNER}/{model}"]
        right = kept.commits[kept.branches["step4"]]
        copy = hub.commit(f"{OWNER}/{model}", "step4", kept.commits[kept.branches["main"]], date="2024-02-02")
        if model != "tiny-a":
            kept.past["step4"] = [copy]
        if model == "tiny-c":
            hub.commit("backup/tiny-c", "step4", right)


def settings(**checkpoints: Any) -> dict[str, Any]:
    return config("tiny", STEPS, COUNTS, **checkpoints)


def kill(running: "subprocess.Popen[bytes]") -> None:
    os.killpg(running.pid, signal.SIGKILL)
    running.wait(PATIENCE)


def accuracies(path: Path) -> pd.DataFrame:
    return read_table(path, "accuracy").set_index(PLACE).sort_index()


def test_the_same_accuracies_from_healed_as_from_healthy_checkpoints(
    healthy: LocalHub, project: Path, tmp_path: Path
) -> None:
    undisturbed(Study.from_config(settings()), tmp_path / "healthy")
    expected = accuracies(tmp_path / "healthy" / "accuracy.tsv")
    make_sick(healthy)
    (tmp_path / "run").mkdir()
    sick = settings(anomalies="recover", mirrors=["backup/{model}"])
    workflow = Workflow(healthy, project, tmp_path / "run", sick)
    accuracy, table = (workflow.results / name for name in ("accuracy.tsv", "checkpoints.tsv"))

    healthy.fail("/commits/", 503, times=3, Retry_After="30")  # the audit is killed while it waits
    running = workflow.start(str(table.relative_to(workflow.folder)))
    wait_for(lambda: healthy.requests("/commits/"), running)
    kill(running)
    assert not table.exists()
    healthy.faults.clear()

    healthy.fail("/commits/", 429, Retry_After="1")
    healthy.delay = 0.1  # a download lasts most of a second, so that its job can be killed
    running = workflow.start(str(accuracy.relative_to(workflow.folder)))
    try:
        wait_for(lambda: list((workflow.results / "checkpoints").glob("tiny-[ac]/step4.part")), running)
        wait_for(lambda: scoring_jobs(running), running)
        kill(running)
    finally:
        healthy.delay = 0.0
    assert workflow.run(str(accuracy.relative_to(workflow.folder))) == 0, workflow.said()[-3000:]

    audited = read_table(table, "checkpoints").set_index(["model", "step"])
    for model, place in HEALED.items():
        assert audited.loc[(model, 4), "status"] == "recovered"
        assert audited.loc[(model, 4), "detail"].startswith(f"recovered from {place}")
    assert not audited.loc[("tiny-b", 4), "used"]
    assert "tried: all formats of its commit: equal to main" in audited.loc[("tiny-b", 4), "detail"]
    assert "requests to the hub" in (workflow.results / "logs" / "audit.log").read_text()

    got = accuracies(accuracy)
    left = expected.drop(index=("tiny-b", 4))
    pd.testing.assert_frame_equal(got, left)  # to the last digit


def test_mistakes_of_a_mirror_are_one_line(healthy: LocalHub, project: Path, tmp_path: Path) -> None:
    make_sick(healthy)
    for place, (checkpoints, said) in enumerate(
        [
            ({"mirrors": ["backup/nowhere"]}, "error: checkpoints.mirrors: backup/nowhere: "),
            ({"recover_depth": 0}, "checkpoints.recover_depth is 0"),
            ({"mirrors": [{"hub": "a/b", "folder": "c/{step}"}]}, "a mirror is either a repository"),
        ]
    ):
        folder = tmp_path / str(place)
        folder.mkdir()
        workflow = Workflow(healthy, project, folder, settings(anomalies="recover", **checkpoints))
        assert workflow.run("audit") != 0
        assert said in workflow.said()
        assert "Traceback" not in workflow.said()

"""The demo, whole and real: it trains its suite, studies it, and finds what the README says it finds."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from support.demo import assert_inverse_scaling_was_found
from support.studies import copy_project


def snakemake(project: Path) -> str:
    command = [sys.executable, "-m", "snakemake", "--cores", "all", "--configfile", "studies/demo.yaml"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = copy_project(tmp_path_factory.mktemp("demo") / "project")
    snakemake(project)
    return project


def test_inverse_scaling_over_training_and_its_opposite_are_found(demo: Path) -> None:
    assert_inverse_scaling_was_found(demo)


def test_training_ends_far_below_chance_on_traps_and_far_above_on_facts(demo: Path) -> None:
    accuracy = pd.read_csv(demo / "results" / "demo" / "accuracy.tsv", sep="\t")
    largest = accuracy[(accuracy["model"] == "pocket-1m") & (accuracy["metric"] == "accuracy")]
    last = largest[largest["step"] == largest["step"].max()].set_index("task")
    for task, sign in (("pocket_memo_trap", -1), ("pocket_neqa", -1), ("pocket_village_facts", 1)):
        assert sign * (last.loc[task, "value"] - 0.5) > 4 * last.loc[task, "stderr"]


def test_everything_is_there_and_a_second_run_does_nothing(demo: Path) -> None:
    results = demo / "results" / "demo"
    page = (results / "report.html").read_text()
    assert "Memo Trap" in page
    assert {file.suffix for file in (results / "figures").glob("accuracy.*")} == {".pdf", ".svg", ".png"}
    assert "Nothing to be done" in snakemake(demo)


def test_no_job_needs_more_memory_than_a_laptop_has(demo: Path) -> None:
    peaks = [
        pd.read_csv(file, sep="\t")["max_rss"].max()
        for file in (demo / "results" / "demo" / "benchmarks").rglob("*.tsv")
    ]
    assert max(peaks) * 2 < 3000  # MB, two jobs at a time

"""The status of a study, from files and locks as a run leaves them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from trajectories.checkpoints.locks import try_lock
from trajectories.jobs.speed import leave_note, notes_path, read_notes, write_speed
from trajectories.jobs.status import Work, look, seconds_left, summary
from trajectories.tables import COLUMNS, read_table, write_table

MODELS = {"small": (1_000_000, (1, 2)), "large": (3_000_000, (1, 2))}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """One checkpoint done, one being scored, one that failed, one that nobody has looked at."""
    rows = [
        dict.fromkeys(COLUMNS["checkpoints"], "NA")
        | {"model": model, "step": step, "parameters": size, "commit": f"{model}{step}", "used": True, "tokens": step}
        for model, (size, steps) in MODELS.items()
        for step in steps
    ]
    results = tmp_path / "results" / "study"
    write_table(pd.DataFrame(rows), results / "checkpoints.tsv", "checkpoints")
    (results / "scores" / "small").mkdir(parents=True)
    (results / "scores" / "small" / "step1.parquet").write_text("")
    os.utime(results / "scores" / "small" / "step1.parquet", (1000, 1000))
    (results / "benchmarks" / "score" / "small").mkdir(parents=True)
    (results / "benchmarks" / "score" / "small" / "step1.tsv").write_text("s\th:m:s\tmax_rss\n30.5\t0:00:30\t512.5\n")
    (results / "logs" / "score" / "large").mkdir(parents=True)
    log = "10:00:00 loading\n10:00:01 waiting\n10:00:02 one more\n10:00:03 error: no such weights\n"
    (results / "logs" / "score" / "large" / "step1.log").write_text(log)
    return tmp_path


def works_of(study: Path) -> list[Work]:
    results = study / "results" / "study"
    return look(MODELS, results, results / "logs", study / "results" / "store")


def test_states_come_from_files_and_locks(study: Path) -> None:
    held = try_lock(study / "results" / "store" / ".locks" / "small2")
    assert held is not None
    states = {(work.model, work.step): work.state for work in works_of(study)}
    assert states == {("small", 1): "done", ("small", 2): "running", ("large", 1): "failed", ("large", 2): "waiting"}
    os.close(held)
    assert works_of(study)[1].state == "waiting"


def test_what_the_store_holds_is_done_before_its_scores_file_is_there(study: Path) -> None:
    """Snakemake deletes the scores files of a batch of which one checkpoint failed."""
    results = study / "results" / "study"
    works = look(
        MODELS, results, results / "logs", study / "store", lambda model, commit: commit in ("small2", "large1")
    )
    states = {(work.model, work.step): work.state for work in works}
    assert states == {("small", 1): "done", ("small", 2): "done", ("large", 1): "done", ("large", 2): "waiting"}


def test_the_summary_says_it_all(study: Path) -> None:
    held = try_lock(study / "results" / "store" / ".locks" / "small2")
    text = summary(works_of(study), 2, now=2000.0)
    assert text.splitlines() == [
        "4 checkpoints: 1 done, 1 running, 1 waiting, 1 failed",
        "  small: 1 of 2 done, running: step2",
        "  large: 0 of 2 done",
        "failed: large step1",
        "    10:00:01 waiting",
        "    10:00:02 one more",
        "    10:00:03 error: no such weights",
        "on disk: 2 downloaded checkpoints",
        "rate: 1 checkpoints in the last hour",
        "time left: 2 min",  # three more of 30.5 s, one at a time
    ]
    assert held is not None
    os.close(held)


def test_before_the_audit_everything_waits(tmp_path: Path) -> None:
    works = look(MODELS, tmp_path, tmp_path / "logs", tmp_path / "store")
    assert {work.state for work in works} == {"waiting"}
    assert "time left: known once a checkpoint is done" in summary(works, 0, 0.0)


def test_time_left_grows_with_parameters_and_shrinks_with_jobs() -> None:
    done = [Work("a", 10, 1, "done", 0.0, 20.0), Work("b", 30, 1, "done", 0.0, 40.0)]  # 10 + 1 x parameters
    assert seconds_left([*done, Work("c", 100, 1, "waiting")]) == pytest.approx(110.0)
    running = [Work("c", 100, step, "running") for step in (1, 2)]
    assert seconds_left([*done, *running]) == pytest.approx(110.0)
    assert seconds_left(done) == 0.0


def test_speed_per_model(study: Path) -> None:
    store, results = study / "results" / "store", study / "results" / "study"
    leave_note(store, "small1", 1000, 2.0, "cpu")
    leave_note(store, "small1", 500, 1.0, "cpu")
    with notes_path(store, "small1").open("a") as stream:
        stream.write('{"tokens": 5')  # a job that was killed while it wrote
    assert [(note.tokens, note.seconds) for note in read_notes(store, "small1")] == [(1000, 2.0), (500, 1.0)]
    write_speed(
        checkpoints=results / "checkpoints.tsv", benchmarks=results / "benchmarks" / "score", store=store,
        output=results / "speed.tsv",
    )  # fmt: skip
    table = read_table(results / "speed.tsv", "speed").set_index("model")
    assert table.loc["small", "tokens_per_second"] == 500.0
    assert table.loc["small", "job_seconds"] == 30.5
    assert table.loc["small", "peak_mb"] >= 512.5
    assert pd.isna(table.loc["large", "tokens_per_second"])


def test_notes_of_jobs_at_once_do_not_mix(tmp_path: Path, project: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from trajectories.jobs import speed; speed.hardware = str\n"
        "for k in range(200): speed.leave_note(Path(sys.argv[1]), 'c', k, 1.0, 'cpu' * 40)"
    )
    environment = {**os.environ, "PYTHONPATH": str(project / "workflow" / "scripts")}
    jobs = [subprocess.Popen([sys.executable, "-c", code, tmp_path], env=environment) for _ in range(3)]
    assert [job.wait(timeout=120) for job in jobs] == [0, 0, 0]
    lines = notes_path(tmp_path, "c").read_text().splitlines()
    assert sorted(json.loads(line)["tokens"] for line in lines) == sorted(list(range(200)) * 3)

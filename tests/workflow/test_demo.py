"""The demo, whole and real: it trains its suite, studies it, and finds what the README says it finds."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from support.demo import assert_inverse_scaling_was_found
from support.snakemakes import run_snakemake
from support.studies import copy_project
from support.toy import quiet_environment
from trajectories.analysis.stage import consistency_of_scores
from trajectories.checkpoints.stage import write_audit
from trajectories.jobs.stage import score_rows
from trajectories.tables import read_table, write_table

pytestmark = pytest.mark.slow  # minutes, of real runs


def snakemake(project: Path) -> str:
    """Run the demo as users do."""
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
    again = snakemake(demo)
    assert "Nothing to be done" in again
    assert f"report: {(results / 'report.html').as_uri()}" in again


def test_models_that_cannot_reason_do_not_get_better_when_asked_to(demo: Path) -> None:
    """Wei et al.'s study in small, on the demo's suite: 4 models x 7 steps x 4 tasks x 3 ways."""
    words = ["--cores", "all", "--configfile", "studies/wei2022-pocket.yaml"]
    done = run_snakemake(words, demo, quiet_environment())
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    results = demo / "results" / "wei2022-pocket"
    ways = read_table(results / "protocols.tsv", "protocols")
    assert ways.groupby("task")["way"].apply(list).map(tuple).unique().tolist() == [
        ("0-shot", "1-shot", "chain of thought, 1 example")
    ]
    assert ways["task"].nunique() == 4
    assert ways.loc[ways["way"] == "0-shot", "over_compute"].notna().all()
    chain = ways[ways["way"].str.startswith("chain")]
    assert set(chain["change"]) <= {"no sure change", "worse"}
    texts = pd.read_parquet(results / "generations" / "pocket-1m" / "step1024.parquet")
    assert texts.groupby("task").size().tolist() == [60] * 4
    assert texts["text"].nunique() > 1
    accuracy = pd.read_csv(results / "accuracy.tsv", sep="\t")
    last = accuracy[(accuracy["model"] == "pocket-1m") & (accuracy["step"] == 1024)].set_index(["task", "metric"])
    for task, own in texts.groupby("task"):
        assert last.loc[(task, "accuracy"), "value"] == pytest.approx(own["right"].mean())
    page = (results / "report.html").read_text()
    said = "Asked in another way (chain of thought, 1 example), the largest model ends surely better on none"
    assert said in page
    assert said in (results / "summary.txt").read_text()
    assert "One task, several ways of asking" in page


def test_no_job_needs_more_memory_than_a_laptop_has(demo: Path) -> None:
    peaks = [
        pd.read_csv(file, sep="\t")["max_rss"].max()
        for file in (demo / "results" / "demo" / "benchmarks").rglob("*.tsv")
    ]
    assert max(peaks) * 2 < 3000  # MB, two jobs at a time


def test_the_suites_checkpoints_lie_in_the_order_of_their_scores(demo: Path) -> None:
    results = demo / "results" / "demo"
    judged = read_table(results / "consistency.tsv", "consistency")
    assert list(judged[judged["flag"] != ""]["step"]) == []
    assert (judged["reason"] == "").all()
    assert read_table(results / "twins.tsv", "twins").empty
    assert "Checkpoints by their scores" in (results / "report.html").read_text()


def test_faults_planted_in_the_suite_are_flagged(demo: Path, tmp_path: Path) -> None:
    """Scores under exchanged and repeated names, and a real folder of which half the tensors are another step's."""
    results, model = demo / "results" / "demo", "pocket-39k"
    assert flagged(results, tmp_path / "honest", {}) == set()
    assert flagged(results, tmp_path / "swapped", {8: 256, 256: 8}) == {8, 256}
    assert flagged(results, tmp_path / "repeated", {4: 64}) == {4}
    assert flagged(results, tmp_path / "late", {2: 1024}) == {2}
    for step, other in ((16, 1024), (256, 16), (1024, 64)):
        place = tmp_path / f"of-{other}"
        mixed = place / model / f"step{step}"
        mixed_folder(results / "suite" / model, step, other, mixed)
        scores = scored(results, mixed, place / "scored")
        assert flagged(results, place / "flagged", {}, {step: scores}) == {step}


def mixed_folder(model: Path, step: int, other: int, out: Path) -> None:
    """Copy a checkpoint's folder, the second half of its tensors from another step."""
    own, foreign = (load_file(model / f"step{number}" / "model.safetensors") for number in (step, other))
    shutil.copytree(model / f"step{step}", out)
    names = list(own)
    half = {name: (foreign if place >= len(names) // 2 else own)[name] for place, name in enumerate(names)}
    save_file(half, out / "model.safetensors", {"format": "pt"})


def scored(results: Path, folder: Path, tmp_path: Path) -> Path:
    """Score a folder of the pocket suite on the demo's requests."""
    model, step = folder.parent.name, int(folder.name.removeprefix("step"))
    checkpoints = {"folder": f"{folder.parents[1]}/{{model}}/step{{step}}", "tokens_per_step": 1024}
    suite = {"checkpoints": checkpoints, "models": [{"name": model, "parameters": 39000}], "steps": [step]}
    write_audit(study=json.dumps(suite), output=tmp_path / "checkpoints.tsv")
    settings = {"protocol": {}, "scoring": {"device": "cpu"}, "checkpoints": checkpoints}
    output = tmp_path / "scores" / model / f"step{step}.parquet"
    score_rows(
        checkpoints=tmp_path / "checkpoints.tsv", model=model, requests=sorted((results / "requests").glob("*/*")),
        outputs={step: output}, store=tmp_path / "store", scratch=tmp_path / "scratch", study=json.dumps(settings),
        threads=1, logs=tmp_path / "logs", benchmarks=tmp_path / "benchmarks",
    )  # fmt: skip
    return output


def flagged(
    results: Path, out: Path, renamed: Mapping[int, int], replaced: Mapping[int, Path] | None = None
) -> set[int]:
    """Return the steps of pocket-39k that are flagged when some have the scores of others, or of a file."""
    scores = {}
    for step in (2**power for power in range(11)):
        scores[step] = out / "pocket-39k" / f"step{step}.parquet"
        scores[step].parent.mkdir(parents=True, exist_ok=True)
        own = results / "scores" / "pocket-39k" / f"step{renamed.get(step, step)}.parquet"
        shutil.copy((replaced or {}).get(step, own), scores[step])
    audited = read_table(results / "checkpoints.tsv", "checkpoints")
    write_table(audited[audited["model"] == "pocket-39k"], out / "checkpoints.tsv", "checkpoints")
    outputs = {kind: out / f"{kind}.tsv" for kind in ("consistency", "distances", "twins")}
    tasks = read_table(results / "tasks.tsv", "tasks")["task"].tolist()
    consistency_of_scores(
        checkpoints=out / "checkpoints.tsv", scores=list(scores.values()), tasks=tasks, outputs=outputs
    )
    judged = read_table(outputs["consistency"], "consistency")
    return set(judged[judged["flag"] != ""]["step"])

"""Every profile plans a whole study; what jobs ask for follows from the model's size."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.toy import PROJECT, run_toy, write_toy

PROFILES = ("default", "slurm", "cluster-generic", "kubernetes")


def profile(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROJECT / "profiles" / name / "config.yaml").read_text())
    return loaded


def plan(config: Path, *arguments: str) -> str:
    done = run_toy(config, "--dry-run", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("toy"), {"toy-70m": 70_000_000, "toy-12b": 12_000_000_000}, (1,), 2)


@pytest.mark.parametrize("name", PROFILES[1:])
def test_a_profile_plans_a_whole_study(config: Path, name: str) -> None:
    options = ["--workflow-profile", str(PROJECT / "profiles" / name)]
    if name == "kubernetes":
        options += ["--default-storage-prefix", str(config.parent)]
    planned = plan(config, *options)
    assert re.search(r"score +2\n", planned)
    assert re.search(r"report +1\n", planned)
    memory = {model: int(re.search(rf"model={model}, .*\n.*mem_mb=(\d+)", planned).group(1))  # type: ignore[union-attr]
              for model in ("toy-70m", "toy-12b")}  # fmt: skip
    assert memory == {"toy-70m": 2560, "toy-12b": 98_000}  # 2000 + 2 x 4 bytes a parameter


def test_what_a_profile_sets_for_score_holds_for_every_batch(tmp_path: Path) -> None:
    config = write_toy(tmp_path, {"toy-70m": 70_000_000}, (1, 2, 4), 2)
    options = [
        "--workflow-profile",
        str(PROJECT / "profiles" / "kubernetes"),
        "--default-storage-prefix",
        str(tmp_path),
    ]
    planned = plan(config, *options, "--config", "scoring={device: cpu, checkpoints_per_job: 2}")
    batches = re.findall(r"(?s)rule (score_\d+):.*?resources: ([^\n]*)", planned)
    assert sorted(name for name, _ in batches) == ["score_1", "score_2"]
    assert all("scratch=/tmp/checkpoints" in resources for _, resources in batches)
    memory = [int(found[1]) for _, resources in batches if (found := re.search(r"mem_mb=(\d+)", resources))]
    assert sorted(memory) == [2560, 2840]  # one checkpoint; two, and so the next one's weights beside


def test_profiles_agree_on_what_keeps_a_study_going() -> None:
    for name in PROFILES[1:]:
        for key in ("scheduler", "rerun-incomplete", "rerun-triggers", "nolock", "keep-going", "logger"):
            assert profile(name)[key] == profile("default")[key], (name, key)
        assert profile(name)["retries"] >= 1


def test_small_stages_share_submissions() -> None:
    """Every rule is run by Snakemake itself, or in a group, or does heavy work, or reads every checkpoint's scores."""
    alone = {"score", "pocket_train", "pocket_corpus"}
    text = "".join(file.read_text() for file in sorted((PROJECT / "workflow" / "rules").glob("*.smk")))
    rules = re.findall(r"(?ms)^ *rule (\w+):(.*?)(?=^ *rule |\Z)", text)
    alone |= {rule for rule, body in rules if re.search(r"scores=.*scores\(\)", body)}  # slow to plan in a group
    remote = {rule for rule, body in rules if "localrule: True" not in body and re.search(r"(shell|script):", body)}
    remote -= alone
    for name in PROFILES[1:]:
        grouped = {pair.split("=")[0] for pair in profile(name)["groups"]}
        assert grouped == remote, f"profiles/{name}/config.yaml: put these into groups: {remote ^ grouped}"


SUBMIT = """#!/bin/sh
# A queue that runs what it is given at once, with nothing of the environment it was asked from.
echo "$1" >> "$0.jobs"
env -i PATH="$PATH" HOME="$HOME" OMP_NUM_THREADS=1 sh "$1" > "$1.out" 2>&1 &
echo $!
"""


@pytest.mark.slow
def test_a_queue_cuts_checkpoints_as_the_snakemake_does_that_submits(tmp_path: Path) -> None:
    """Its jobs read the workflow again, where cores, bounds and environment are others: they are told."""
    config = write_toy(tmp_path, {"toy-1m": 1_000_000}, (1, 2, 4, 8, 16), 2)
    submit = tmp_path / "submit"
    submit.write_text(SUBMIT)
    submit.chmod(0o755)
    options = ["--workflow-profile", str(PROJECT / "profiles" / "cluster-generic"), "--latency-wait", "10"]
    options += ["--cluster-generic-submit-cmd", str(submit), "--resources", "checkpoints_on_disk=6", "--jobs", "3"]
    done = run_toy(config, "scores", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    submitted = (tmp_path / "submit.jobs").read_text()
    # half as many workers as checkpoints may lie on disk
    assert len(set(re.findall(r"\b(score_\d+)", submitted))) == 3, submitted
    scores = {path.name for path in tmp_path.glob("results/toy/scores/toy-1m/*.parquet")}
    assert scores == {f"step{step}.parquet" for step in (1, 2, 4, 8, 16)}

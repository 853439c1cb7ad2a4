"""The config line of each public suite in docs/checkpoints.md, tried on a hub that names branches as the suite does."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from support.hub_server import LocalHub
from support.tiny_checkpoints import write_folder
from trajectories.checkpoints.stage import write_audit
from trajectories.errors import UserError
from trajectories.study.checkpoints import Checkpoints
from trajectories.tables import read_table

SUITES: dict[str, tuple[str, list[str], Any, dict[int, str]]] = {
    "Pythia": ("pythia-70m", ["step0", "step512", "step143000"], [512, 143000], {512: "step512", 143000: "step143000"}),
    "PolyPythias": ("pythia-70m-seed1", ["step1", "step1000"], [1000], {1000: "step1000"}),
    "OLMo 2, OLMo 3": (
        "OLMo-2-1124-7B",
        ["stage1-step1000-tokens5B", "stage1-step928646-tokens3896B", "stage2-ingredient1-step1000-tokens5B"],
        [1000, 928646],
        {1000: "stage1-step1000-tokens5B", 928646: "stage1-step928646-tokens3896B"},
    ),
    "LLM360": (
        "Amber", ["ckpt_000", "ckpt_030", "ckpt_358"], {"ckpt_030": 105e9, "ckpt_358": "1253e9"},
        {30: "ckpt_030", 358: "ckpt_358"},
    ),
    "SmolLM": ("SmolLM2-135M-intermediate-checkpoints", ["step-240000"], [240000], {240000: "step-240000"}),
    "BLOOM": ("bloom-1b1-intermediate", ["global_step1000", "global_step10000"], [10000], {10000: "global_step10000"}),
    "the final model as `main` alone": (
        "pythia-70m", ["step64000"], [64000, 143000], {64000: "step64000", 143000: "main"},
    ),
}  # fmt: skip


def config_line(project: Path, suite: str) -> dict[str, Any]:
    """Return the `checkpoints` section of a suite's row in the docs."""
    text = (project / "docs" / "checkpoints.md").read_text()
    found = re.search(rf"^\| {re.escape(suite)} \| `(\{{.*?\}})` \|", text, re.MULTILINE)
    assert found, f"docs/checkpoints.md has no row {suite!r}"
    line: dict[str, Any] = yaml.safe_load(found[1])
    return line


def audited(folder: Path, checkpoints: dict[str, Any], model: str, steps: Any) -> pd.DataFrame:
    """Audit one model as a study would."""
    section = {"tokens_per_step": 1000} | checkpoints
    of_model: dict[str, Any] = {"name": model, "parameters": 1000, "steps": steps}
    if isinstance(steps, dict):
        del section["tokens_per_step"]
    suite = {"checkpoints": section, "models": [of_model], "steps": [1]}
    write_audit(study=json.dumps(suite), output=folder / "checkpoints.tsv")
    return read_table(folder / "checkpoints.tsv", "checkpoints").set_index("step")


@pytest.mark.parametrize("suite", SUITES)
def test_the_line_of_a_suite_finds_its_branches(hub: LocalHub, tmp_path: Path, project: Path, suite: str) -> None:
    model, branches, steps, expected = SUITES[suite]
    line = config_line(project, suite)
    repo = Checkpoints(**line).hub
    assert repo is not None
    for seed, branch in enumerate([*branches, "main"]):
        hub.commit(repo.replace("{model}", model), branch, write_folder(tmp_path / branch, seed))
    table = audited(tmp_path, line, model, steps)
    assert dict(table["revision"]) == expected
    assert list(table["status"]) == ["ok"] * len(expected)


def test_numbers_that_count_saves_have_the_tokens_of_the_table(hub: LocalHub, tmp_path: Path, project: Path) -> None:
    for seed, branch in enumerate(["ckpt_000", "ckpt_030", "ckpt_358", "main"]):
        hub.commit("LLM360/Amber", branch, write_folder(tmp_path / branch, seed))
    steps = {"ckpt_000": 0, "ckpt_030": 105e9, "ckpt_358": "1253e9"}
    table = audited(tmp_path, config_line(project, "LLM360"), "Amber", steps)
    assert dict(table["tokens"]) == {0: 0, 30: 105_000_000_000, 358: 1_253_000_000_000}


def test_the_folders_of_a_trainer(tmp_path: Path, project: Path) -> None:
    line = config_line(project, "Hugging Face Trainer")
    line["folder"] = f"{tmp_path}/{line['folder']}"
    for step in (500, 1000):
        write_folder(Path(line["folder"].format(model="mine", step=step)), step)
    assert list(audited(tmp_path, line, "mine", [500, 1000])["status"]) == ["ok", "ok"]


def test_main_is_used_only_where_no_branch_holds_its_step(hub: LocalHub, tmp_path: Path) -> None:
    for branch, seed in (("step1", 1), ("step8", 8), ("main", 8)):
        hub.commit("o/m", branch, write_folder(tmp_path / branch, seed))
    table = audited(tmp_path, {"hub": "o/m", "main_is": 8}, "m", [1, 8])
    assert list(table["revision"]) == ["step1", "step8"]
    hub.commit("o/m", "step1", write_folder(tmp_path / "copy", 8))
    table = audited(tmp_path, {"hub": "o/m", "main_is": 8, "anomalies": "exclude"}, "m", [1, 8])
    assert list(table["status"]) == ["duplicate-of-step8", "ok"]


def test_a_repository_of_main_alone(hub: LocalHub, tmp_path: Path) -> None:
    hub.commit("o/m", "main", write_folder(tmp_path / "main", 8))
    table = audited(tmp_path, {"hub": "o/m", "main_is": 8}, "m", [8])
    assert list(zip(table["revision"], table["status"], strict=True)) == [("main", "ok")]


def test_an_unknown_repository_is_named_with_its_likes(hub: LocalHub, tmp_path: Path, waits: list[float]) -> None:
    for name in ("pythia-70m", "pythia-70m-deduped", "gpt-neo-125m"):
        hub.commit(f"EleutherAI/{name}", "main", write_folder(tmp_path / name, 1))
    with pytest.raises(UserError) as error:
        audited(tmp_path, {"hub": "EleutherAI/{model}"}, "pythia70m", [1])
    assert str(error.value).endswith("with a like name: EleutherAI/pythia-70m, EleutherAI/pythia-70m-deduped")
    with pytest.raises(UserError, match="no such repository") as error:
        audited(tmp_path, {"hub": "nobody/{model}"}, "pythia70m", [1])
    assert "like name" not in str(error.value)
    hub.fail(r"/api/models\?", 500, times=100)
    with pytest.raises(UserError, match="no such repository"):
        audited(tmp_path, {"hub": "EleutherAI/{model}"}, "pythia70m", [1])

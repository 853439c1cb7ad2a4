"""The audit as a stage."""

from pathlib import Path
from typing import Any

import pytest

from support.tiny_checkpoints import write_folder
from trajectories.checkpoints.records import ModelSource
from trajectories.checkpoints.stage import Suite, sources, write_audit
from trajectories.errors import UserError
from trajectories.study.config import Study
from trajectories.tables import read_table


def study(tmp_path: Path, **checkpoints: Any) -> Study:
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"prompt": "a", "classes": ["b", "c"], "answer_index": 0}\n')
    return Study.from_config(
        {
            "study": "test",
            "checkpoints": {"folder": f"{tmp_path}/{{model}}/step{{step}}", "tokens_per_step": 16} | checkpoints,
            "models": [{"name": "a", "parameters": 1000}, {"name": "b", "parameters": 2000, "steps": [2, 4]}],
            "steps": [1, 2],
            "tasks": [{"name": "task", "file": str(questions)}],
        }
    )


def sections(study: Study) -> str:
    return study.section("checkpoints", "models", "steps")


def test_a_models_own_keys_go_before_the_suites(tmp_path: Path) -> None:
    suite = Suite.model_validate_json(sections(study(tmp_path, revision="s{step}")))
    address = f"{tmp_path}/{{model}}/step{{step}}"
    assert sources(suite) == [
        ModelSource("a", 1000, "folder", address, (1, 2), 16, "s{step}"),
        ModelSource("b", 2000, "folder", address, (2, 4), 16, "s{step}"),
    ]


def test_the_table_is_written_when_all_is_well(tmp_path: Path) -> None:
    for seed, name in enumerate(["a/step1", "a/step2", "b/step2", "b/step4"]):
        write_folder(tmp_path / name, seed)
    write_audit(study=sections(study(tmp_path)), output=tmp_path / "out/checkpoints.tsv")
    table = read_table(tmp_path / "out/checkpoints.tsv", "checkpoints")
    assert list(zip(table["model"], table["step"], table["tokens"], strict=True)) == [
        ("a", 1, 16), ("a", 2, 32), ("b", 2, 32), ("b", 4, 64),
    ]  # fmt: skip


def test_stopping_writes_what_was_found_beside(tmp_path: Path) -> None:
    for name in ["a/step1", "a/step2", "b/step2", "b/step4"]:
        write_folder(tmp_path / name, 0 if name.startswith("a") else len(name) + int(name[-1]))
    with pytest.raises(UserError, match=r"checkpoints\.stopped\.tsv"):
        write_audit(study=sections(study(tmp_path)), output=tmp_path / "checkpoints.tsv")
    assert not (tmp_path / "checkpoints.tsv").exists()
    assert list(read_table(tmp_path / "checkpoints.stopped.tsv", "checkpoints")["status"][:2]) == [
        "duplicate-of-step2", "duplicate-of-step1",
    ]  # fmt: skip
    write_audit(study=sections(study(tmp_path, anomalies="exclude")), output=tmp_path / "checkpoints.tsv")
    assert not (tmp_path / "checkpoints.stopped.tsv").exists()
    assert list(read_table(tmp_path / "checkpoints.tsv", "checkpoints")["used"]) == [False, False, True, True]

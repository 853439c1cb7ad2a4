"""A user's mistake ends in one line that names it, a status that is not 0, and no traceback on the terminal."""

import copy
from pathlib import Path
from typing import Any

import pytest

from support.studies import Toy, make_toy


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return make_toy(tmp_path_factory.mktemp("mistakes"), models=("tiny-a",), steps=(1,))


def fail(toy: Toy, change: dict[str, Any], *arguments: str) -> str:
    """Run with `retries: 0`: what is wrong in a file is wrong the second time."""
    changed = Toy(toy.root, toy.project, copy.deepcopy(toy.config) | change)
    done = changed.run("--retries", "0", *arguments)
    assert done.returncode != 0
    printed = done.stdout + done.stderr
    assert "Traceback" not in printed
    return printed


def test_a_wrong_config_is_one_line(toy: Toy) -> None:
    printed = fail(toy, {"models": [{"name": "a/b", "parameters": 1}]}, "--quiet", "all")
    lines = [line for line in printed.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    assert "models[0].name is 'a/b'" in lines[0]


def test_a_folder_pattern_that_matches_nothing_is_named(toy: Toy) -> None:
    printed = fail(toy, {"checkpoints": {"folder": "elsewhere/{model}/step{step}", "tokens_per_step": 1000}})
    assert "elsewhere/tiny-a" in printed


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("one.csv", "prompt,classes,answer_index\nA,[' b'],0\n", "at least 2 are needed"),
        ("range.csv", "prompt,classes,answer_index\nA,\"[' b', ' c']\",2\n", "answer index 2 is out of range"),
        ("broken.jsonl", '{"prompt": "A"', "broken.jsonl, row 0 (line 1): not valid JSON"),
        ("broken.csv", "prompt,classes,answer_index\nA\n", "row 0 (line 2): has 1 fields, the header has 3"),
    ],
)
def test_a_damaged_task_file_is_named(toy: Toy, name: str, text: str, expected: str) -> None:
    path: Path = toy.root / "tasks" / name
    path.write_text(text)
    printed = fail(
        toy, {"tasks": [{"name": "damaged", "file": f"tasks/{name}"}]}, "results/toy/questions/damaged.parquet"
    )
    assert expected in printed


def test_a_config_without_models_is_not_completed_from_the_papers(toy: Toy) -> None:
    """Another config is complete or it is wrong: nothing comes from config.yaml."""
    toy_without = Toy(toy.root, toy.project, {key: value for key, value in toy.config.items() if key != "models"})
    done = toy_without.run("--quiet", "all", "--dry-run")
    assert done.returncode != 0
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    assert lines[0].endswith("study.yaml: models: is missing")


def test_a_mistake_is_not_tried_again_and_a_crash_is(toy: Toy) -> None:
    """A choice longer than the model's window shows only when the model is loaded."""
    long = "word and " * 90
    (toy.root / "tasks/long.csv").write_text(f'prompt,classes,answer_index\nA b,"["" {long}"", "" c""]",0\n')
    changed = Toy(toy.root, toy.project, toy.config | {"tasks": [{"name": "long", "file": "tasks/long.csv"}]})
    done = changed.run("--retries", "2", "scores", "--logger-trajectories-full")
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert "longer than the model's window" in printed
    assert "Trying to restart" not in printed
    (toy.root / "suite/tiny-a/step1/config.json").write_text("{}")  # refused by the audit, which says so
    job = toy.project / "workflow/scripts/questions.py"
    job.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    killed = toy.run("--retries", "1", "results/toy/questions/sums.parquet", "--logger-trajectories-full", "--force")
    assert killed.returncode != 0
    assert (killed.stdout + killed.stderr).count("Trying to restart") == 1


def test_all_mistakes_are_said_before_the_first_job(toy: Toy) -> None:
    tasks = [{"name": name, "file": f"tasks/{name}"} for name in ("a.csv", "b.jsonl")]
    (toy.root / "tasks/a.csv").write_text("prompt,classes,answer_index\nA,[' b'],0\n")
    (toy.root / "tasks/b.jsonl").write_text('{"prompt": "A"')
    printed = fail(toy, {"study": "early", "tasks": tasks, "steps": [1, 7]})
    lines = [line for line in printed.splitlines() if line.startswith("error:")]
    assert [line.split(":")[1].split(",")[0] for line in lines] == [" task a.csv", " task b.jsonl", " model tiny-a"]
    assert not (toy.root / "results/early/logs").exists()


@pytest.mark.parametrize("target", ["plan", "all"])
def test_without_a_network_one_line_ends_a_run_before_its_first_job(
    toy: Toy, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # where nobody listens
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    printed = fail(toy, {"study": "far", "checkpoints": {"hub": "owner/{model}", "tokens_per_step": 1000}}, target)
    (line,) = [line for line in printed.splitlines() if line.startswith("error: ")]
    assert line.startswith("error: no answer from http://127.0.0.1:9")
    assert "the audit, tokenizers" in line
    assert not (toy.root / "results/far/checkpoints.tsv").exists()

"""The tutorial: every block of it is run in order, from its notebook, on a suite of random checkpoints."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.models import save_checkpoint
from support.studies import copy_project
from support.toy import quiet_environment
from support.tutorial import DOCS, SHELL, as_file
from support.warm_python import executable
from trajectories.study.new import SUITES

MODELS = ("pocket-39k", "pocket-104k", "pocket-331k", "pocket-1m")
STEPS = (1, 4, 16, 64, 256, 1024)
ELSEWHERE = ("--configfile articles-pythia.yaml", "--configfile studies/demo.yaml")  # a network, or minutes of training


def code() -> list[str]:
    read = json.loads((DOCS / "tutorial.ipynb").read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in read["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_is_the_tutorial() -> None:
    page = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    assert (DOCS / "tutorial.ipynb").read_text(encoding="utf-8") == as_file(page), (
        "run: python tests/support/tutorial.py"
    )
    assert len(code()) >= 10


def test_what_stands_for_the_demo_is_the_suite_that_a_new_study_names() -> None:
    assert all(f"name: {model}" in SUITES["demo"] for model in MODELS)
    assert f"steps: {list(STEPS)}" in SUITES["demo"]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone after `make demo`: an environment in .venv, and checkpoints where the demo trains its own."""
    made = copy_project(tmp_path / "project")
    for number, model in enumerate(MODELS):
        for step in STEPS:
            save_checkpoint(made / f"results/demo/suite/{model}/step{step}", seed=100 * number + step)
    program = made / ".venv/bin/snakemake"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {executable()} -m snakemake "$@"\n')
    program.chmod(0o755)
    monkeypatch.chdir(made)
    return made


def shell(command: str) -> str:
    """Run a shell's cell; of what needs a network or minutes, only the plan is made."""
    dry = " --dry-run" if any(words in command for words in ELSEWHERE) else ""
    words = ["bash", "-e", "-c", command.strip() + dry]
    done = subprocess.run(
        words, capture_output=True, text=True, env=quiet_environment() | {"PATH": os.environ["PATH"]}, timeout=900,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.slow
def test_every_block_runs(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, *rest = code()
    assert first == f"{SHELL}make demo"  # what the fixture stands for
    names: dict[str, Any] = {}
    said = ""
    for source in rest:
        if source.startswith(SHELL):
            said += shell(source.removeprefix(SHELL))
        else:
            exec(source, names)
    assert "check: no mistake, 0 warnings" in said
    assert "plan: 24 checkpoints to do" in said
    assert "report: file://" in said
    assert (clone / "results/articles/figures/accuracy.pdf").is_file()
    printed = capsys.readouterr().out
    assert all(model in printed for model in MODELS)
    assert "misled" in printed
    assert " an egg" in printed

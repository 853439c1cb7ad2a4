"""Every command line that the documents show does what they say: its words are understood, its targets are there."""

import importlib.util
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from snakemake.cli import parse_args

from support.snakemakes import run_snakemake
from support.studies import copy_project
from support.toy import quiet_environment
from trajectories.study.new import study_text

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "config.yaml", "config/README.md")),
    *sorted((PROJECT / "docs").glob("*.md")), *sorted((PROJECT / "studies").glob("*.yaml")),
    *sorted((PROJECT / "profiles").glob("*/*.yaml")),
]  # fmt: skip
RULES = set(re.findall(r"^\s*rule (\w+):", "".join(p.read_text() for p in PROJECT.glob("workflow/rules/*.smk")), re.M))


def pieces(document: Path) -> Iterator[str]:
    """Yield what looks like a command: lines of code blocks, text between backticks, comments that say what to run."""
    text = document.read_text(encoding="utf-8")
    if document.suffix == ".md":
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S):
            yield from block.replace("\\\n", " ").splitlines()
        text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    yield from re.findall(r"`([^`\n]+)`", text)
    yield from re.findall(r"(?:run with|profile|volume): ((?:snakemake|make) .*)", text)


def commands(program: str) -> list[str]:
    """Return every command of `program` in the documents once, without comments."""
    found = {}
    for document in DOCUMENTS:
        for piece in pieces(document):
            words = shlex.split(piece.removeprefix("# ").strip(), comments=True) if piece.count("'") % 2 == 0 else []
            if len(words) > 1 and words[0].removeprefix(".venv/bin/") == program:
                found[shlex.join(words[1:])] = document.name
    return sorted(found)


SNAKEMAKE = commands("snakemake")


def test_commands_are_found() -> None:
    assert len(SNAKEMAKE) > 12
    assert any("audit" in command and "olmo2" in command for command in SNAKEMAKE)
    assert {"audit", "plan", "status", "check", "fetch"} <= RULES


@pytest.mark.parametrize("command", SNAKEMAKE)
def test_a_command_is_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options that take several words leave the target alone: a target stands first."""
    monkeypatch.chdir(PROJECT)
    _, given = parse_args(shlex.split(command))
    targets = [str(target) for target in given.targets or ()]
    assert [target for target in targets if target not in RULES] == []
    own = {"my-study.yaml", "articles.yaml", "articles-pythia.yaml"}  # the README and the tutorial make them
    assert [name for name in given.configfile or () if not (PROJECT / name).is_file() and str(name) not in own] == []
    words = {word for word in shlex.split(command) if word in RULES}
    forced = {str(name) for option in (given.until, given.forcerun) for name in option or ()}
    assert words <= {*targets, *forced}


@pytest.mark.parametrize("command", commands("make"))
def test_a_make_target_is_there(command: str) -> None:
    words = [word for word in shlex.split(command) if "=" not in word]
    done = subprocess.run(["make", "--dry-run", *words], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", commands("python"))
def test_a_module_is_there(command: str) -> None:
    flag, module, *_ = shlex.split(command)
    assert flag == "-m"
    assert importlib.util.find_spec(module) is not None


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with the README's own study beside it."""
    made = copy_project(tmp_path_factory.mktemp("clone") / "project")
    study = next(block for block in re.findall(r"^```yaml\n(.*?)^```", (PROJECT / "README.md").read_text(), re.M | re.S)
                 if "my-study.yaml" in block)  # fmt: skip
    (made / "my-study.yaml").write_text(study)
    for name, suite in (("articles", "demo"), ("articles-pythia", "pythia")):
        (made / f"{name}.yaml").write_text(study_text(name, "data/capitals.csv", suite))
    (made / "data").mkdir()
    (made / "data/capitals.csv").write_text(
        'prompt,classes,answer_index\nThe capital of France is,"["" Paris"", "" Rome""]",0\n'
    )
    return made


PLANNED = [c for c in SNAKEMAKE if "--report" not in c and "everything" not in c]  # that one: test_scale.py


@pytest.mark.slow
@pytest.mark.parametrize("command", PLANNED)
def test_a_command_plans_its_jobs(command: str, project: Path) -> None:
    words = [*shlex.split(command), "--dry-run", "--quiet", "rules"]
    done = run_snakemake(words, project, quiet_environment())
    assert done.returncode == 0, done.stdout + done.stderr

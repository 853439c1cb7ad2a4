"""The files that others read first agree with the project: version, steps of CI, linters, commands of make."""

import re
import subprocess
import tomllib
from pathlib import Path

import yaml


def version(project: Path) -> str:
    return str(tomllib.loads((project / "pyproject.toml").read_text())["project"]["version"])


def test_one_version_everywhere(project: Path) -> None:
    assert yaml.safe_load((project / "CITATION.cff").read_text())["version"] == version(project)
    sections = re.findall(r"(?m)^## (\S+)", (project / "CHANGELOG.md").read_text())
    assert version(project) in sections
    assert sections[0] in ("Unreleased", version(project))


def test_ci_runs_steps_that_exist(project: Path) -> None:
    steps = yaml.safe_load((project / ".github/workflows/ci.yml").read_text())["jobs"]["ci"]["strategy"]["matrix"][
        "step"
    ]
    known = re.findall(r"(?m)^        ([a-z-]+)\)", (project / ".ci/run").read_text())
    assert sorted(steps) == sorted(known)
    default = re.search(r"set -- (.*)", (project / ".ci/run").read_text())
    assert default is not None
    assert default[1].split() == known
    unknown = subprocess.run(["bash", ".ci/run", "nonsense"], cwd=project, capture_output=True, text=True)
    assert (unknown.returncode, unknown.stderr) == (2, "unknown step: nonsense\n")


def test_the_hooks_are_the_linters_of_make(project: Path) -> None:
    hooks = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    lint = (project / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    tools = set(re.findall(r"\$\(BIN\)/(\w+)", lint))
    assert {hook["entry"].split()[0] for hook in hooks} == {f".venv/bin/{tool}" for tool in tools}


def test_make_tells_what_it_can_do(project: Path) -> None:
    command = ["make", "--no-print-directory", "help"]  # a make that calls the tests asks for directories
    listed = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout
    public = set(re.findall(r"(?m)^([a-z-]+):", (project / "Makefile").read_text()))
    assert {line.split()[0] for line in listed.splitlines()} == public


def test_published_takes_a_folder(project: Path) -> None:
    command = ["make", "--dry-run", "published", "DATA=some/folder"]
    shown = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout
    assert "--config 'import={format: published, path: some/folder}'\n" in shown


def test_the_catalogue_finds_the_workflow_and_its_configuration(project: Path) -> None:
    usage = yaml.safe_load((project / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"] == {"conda": True}
    assert (project / "workflow" / "Snakefile").is_file()
    assert (project / "config" / "README.md").is_file()

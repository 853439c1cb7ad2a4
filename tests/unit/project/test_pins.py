"""One place pins the dependencies; the lock and the environments agree with it."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml


def pins(project: Path) -> dict[str, str]:
    table: dict[str, Any] = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    listed = table["dependencies"] + [pin for extra in table["optional-dependencies"].values() for pin in extra]
    return dict(pin.split("==") for pin in listed)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_direct_dependency_is_locked_at_its_pin(project: Path) -> None:
    lines = (project / "requirements.lock").read_text().split()
    lock = {canonical(name): version for name, version in (line.split("==") for line in lines)}
    for name, version in pins(project).items():
        assert lock.get(canonical(name)) == version, name


@pytest.mark.parametrize("name", ["score", "analysis"])
def test_environments_have_the_same_pins(project: Path, name: str) -> None:
    environment = yaml.safe_load((project / "envs" / f"{name}.yaml").read_text())
    listed = next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict))
    direct = pins(project)
    for pin in listed:
        package, version = pin.split("==")
        assert direct[package] == version, package


def imported(folder: Path) -> set[str]:
    names: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return {canonical({"yaml": "pyyaml"}.get(name, name)) for name in names - set(sys.stdlib_module_names)}


def test_what_is_imported_is_pinned_and_what_is_pinned_is_used(project: Path) -> None:
    table = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    optional = table["optional-dependencies"]["harness"]
    direct = {canonical(pin.split("==")[0]) for pin in table["dependencies"] + optional}
    used = imported(project / "workflow" / "scripts")
    assert used - {"trajectories"} <= direct
    assert direct - used <= {"snakemake", "accelerate"}  # the engine, and what transformers loads weights with

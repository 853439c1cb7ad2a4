"""A rule of the statistics runs again when the code behind it changes: its digest names every module it uses."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = "trajectories.analysis."
RULES = ("accuracy", "fit", "trends")


def imported(module: str, folder: Path) -> set[str]:
    """Return the modules of the analysis that `module` needs, itself included."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        tree = ast.parse((folder / f"{name.removeprefix(PACKAGE)}.py").read_text())
        froms = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
        waiting += [name for name in froms if name.startswith(PACKAGE)]
    return found


@pytest.mark.parametrize("file", RULES)
def test_every_module_behind_a_rule_is_in_its_digest(file: str, project: Path) -> None:
    text = (project / "workflow" / "rules" / f"{file}.smk").read_text()
    digests = re.findall(r"code=code_digest\((.*?)\)", text, flags=re.DOTALL)
    assert digests
    for digest in digests:
        named = set(re.findall(r'"([\w.]+)"', digest))
        needed = {
            module
            for name in named
            if name.startswith(PACKAGE)
            for module in imported(name, project / "workflow" / "scripts" / "trajectories" / "analysis")
        }
        assert needed <= named, f"{file}.smk: code_digest lacks {sorted(needed - named)}"

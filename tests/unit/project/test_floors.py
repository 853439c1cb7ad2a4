"""Rooms have floors: a module imports from its own floor and those below, never from above."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "workflow" / "scripts" / "trajectories"

# From the ground up; docs/architecture.md draws the same house. A module's floor is that of its longest prefix here.
FLOORS = (
    ("errors", "files", "tables", "progress", "provenance", "terminal"),
    ("study.strict", "study.names", "study.steps", "study.values", "study.metrics", "study.protocol", "hub"),
    ("questions",),
    ("study",),
    ("checkpoints", "pocket"),
    ("scoring",),
    ("jobs", "analysis", "harness", "imports", "preflight"),
    ("figures", "exports"),
    ("report",),
    ("adapter",),
)
FLOOR_OF = {prefix: floor for floor, prefixes in enumerate(FLOORS) for prefix in prefixes}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _floor(module: str) -> int:
    prefixes = [prefix for prefix in FLOOR_OF if module == prefix or module.startswith(f"{prefix}.")]
    assert prefixes, f"{module} is in no room that FLOORS knows"
    return FLOOR_OF[max(prefixes, key=len)]


def _imported(path: Path) -> list[str]:
    """Return what a module imports of the package, imports inside functions included."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            inside = PACKAGE.joinpath(*node.module.split(".")[1:]) if node.module.startswith("trajectories") else None
            for alias in node.names:
                is_module = inside is not None and (
                    (inside / f"{alias.name}.py").is_file() or (inside / alias.name).is_dir()
                )
                found.append(f"{node.module}.{alias.name}" if is_module else node.module)
    return [name.removeprefix("trajectories.") for name in found if name.startswith("trajectories.")]


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_import_runs_upwards(path: Path) -> None:
    own = _floor(_name(path))
    above = [name for name in _imported(path) if _floor(name) > own]
    assert not above, f"{_name(path)} imports from floors above its own: {', '.join(above)}"

"""Every key of the config is read by something: a key that nothing reads is a promise that nothing keeps."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from trajectories.study.config import Study

WORKFLOW = Path(__file__).parents[3] / "workflow"

# By what names code holds a section, where they are not its own and a key's name is that of other sections too.
HOLDERS = {
    "Task": {"task", "record", "self"}, "Model": {"model", "own", "self", "place.model"}, "HubData": {"hub", "data"},
    "RunningText": {"text"}, "Statistics": {"statistics", "how"}, "Pocket": {"pocket"}, "Plan": {"plan"},
    "Checkpoints": {"checkpoints", "suite"}, "Scoring": {"scoring"}, "Study": {"study", "STUDY", "self", "suite"},
    "HarnessTask": {"harness", "record"}, "Average": {"average", "thing", "task", "self"},
    "Import": {"imported"}, "Mirror": {"self"}, "Figures": {"figures"}, "StepRange": {"self"}, "PowersOfTwo": {"self"},
}  # fmt: skip


def sections(section: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    """Yield a section of the config and every section inside it, once."""
    if section in seen:
        return
    seen.add(section)
    yield section
    for field in section.model_fields.values():
        for inner in inside(field.annotation):
            yield from sections(inner, seen)


def inside(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from inside(argument)


SECTIONS = list(sections(Study, set()))
KEYS = [(section, name) for section in SECTIONS for name in section.model_fields]


def python_of_rules(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (holder, attribute) of every `a.b` in a file of rules, which is not Python as a whole."""
    yield from re.findall(r"(?=\b(\w+)(?:\([^()]*\))?\.(\w+))", path.read_text())  # overlapping: a.b.c has two


def python_of_modules(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            value = node.value.func if isinstance(node.value, ast.Call) else node.value
            yield value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", ""), node.attr


READ = {
    *(pair for path in WORKFLOW.rglob("*.smk") for pair in python_of_rules(path)),
    *(pair for path in (WORKFLOW / "scripts").rglob("*.py") for pair in python_of_modules(path)),
}


def is_read(section: type[BaseModel], key: str) -> bool:
    holders = {holder for holder, attribute in READ if attribute == key}
    shared = sum(name == key for _, name in KEYS) > 1
    return bool(holders & HOLDERS.get(section.__name__, {section.__name__.lower()}) if shared else holders)


@pytest.mark.parametrize(("section", "key"), KEYS, ids=[f"{section.__name__}.{key}" for section, key in KEYS])
def test_a_key_is_read(section: type[BaseModel], key: str) -> None:
    assert is_read(section, key), f"nothing reads {section.__name__}.{key}"


def test_a_key_that_nothing_reads_is_seen() -> None:
    assert not is_read(Study, "no_such_key")
    assert {"Study", "Protocol", "Task", "RunningText", "Scoring"} <= {section.__name__ for section in SECTIONS}

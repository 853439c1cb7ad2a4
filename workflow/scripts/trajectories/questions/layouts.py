"""Layouts: how questions lie in the files of well-known data sets, and the keys of a record that follow from one."""

import json
import re
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from trajectories.questions.templates import columns_of
from trajectories.study.strict import suggestion

LAYOUTS_FILE = "layouts.yaml"
USUAL = "prize"
ASKING = ("context", "contexts", "choices", "answer", "labels")
"""Keys of a record that say how a row becomes a question."""

INSTEAD = {"labels": "answer", "answer": "labels", "contexts": "context", "context": "contexts"}
"""Of each two keys a record has one."""

_REPLACED = ("columns", "template")


@cache
def known_layouts() -> Mapping[str, Mapping[str, Any]]:
    """Return the keys that each layout fills in, by its name."""
    place = files(__package__).joinpath("catalogue", LAYOUTS_FILE)
    layouts: Mapping[str, Mapping[str, Any]] = yaml.safe_load(place.read_text(encoding="utf-8"))
    return layouts


def fitting_layouts(columns: Collection[str]) -> list[str]:
    """Return the layouts whose columns are all there, those that use most of them."""
    sizes = {name: len(needed) for name, needed in _columns().items() if needed <= set(columns)}
    return [name for name, size in sizes.items() if size == max(sizes.values())]


@cache
def _columns() -> Mapping[str, set[str]]:
    """Return the columns that each layout reads."""
    templates = {
        name: [text for key in ASKING for text in _as_list(layout.get(key)) if isinstance(text, str)]
        for name, layout in known_layouts().items()
    }
    return {name: set().union(*map(columns_of, texts)) for name, texts in templates.items()}


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def filled(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of rows with what its layout fills in; what the record says itself comes first.

    Raises ValueError for an unknown layout, or for keys that templates have replaced.
    """
    if any(key in record for key in _REPLACED):
        raise ValueError(
            f"columns and template are replaced by templates over all columns: write {_in_templates(record)}; "
            f"or a layout ({', '.join(known_layouts())})"
        )
    if isinstance(written := record.get("answer"), Mapping):
        return _filled_written(record, written)
    name = record.get("layout") or USUAL
    if name not in known_layouts():
        raise ValueError(f"layout: unknown layout {name!r}{suggestion(str(name), set(known_layouts()))}")
    usual = dict(known_layouts()[name])
    for own, instead in INSTEAD.items():
        if record.get(own) is not None:
            usual.pop(instead, None)
    return usual | dict(record)


def _filled_written(record: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """Fill a record whose answers are written: what is true is said as of any other, or by the layout."""
    plain = {key: value for key, value in record.items() if key != "answer"}
    found = filled(plain | {"answer": written["true"]} if written.get("true") is not None else plain)
    true = found.pop("answer", None)
    return found | {"answer": {**written, "true": true}}


def changed(record: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with changed keys: without those that a new layout or a key in their place makes void.

    An answer that is now written leaves what is true as it was, unless it says so.
    """
    written = changes.get("answer")
    if isinstance(written, Mapping) and written.get("true") is None:
        plain = changed(record, {key: value for key, value in changes.items() if key != "answer"})
        former = plain.get("answer")
        true = former.get("true") if isinstance(former, Mapping) else former
        return plain | {"answer": {**written, **({"true": true} if true is not None else {})}}
    void = {instead for own, instead in INSTEAD.items() if changes.get(own) is not None}
    void |= {*ASKING, "delimiter"} if changes.get("layout") is not None else set()
    return {key: value for key, value in record.items() if key not in void} | dict(changes)


def _in_templates(record: Mapping[str, Any]) -> str:
    """Return what a record with the old keys looks like with templates."""
    columns = record.get("columns") if isinstance(record.get("columns"), Mapping) else {}
    assert isinstance(columns, Mapping)
    keys = {"context": "prompt", "choices": "classes", "answer": "answer_index"} | dict(columns)
    if targets := keys.pop("targets", None):
        keys |= {"choices": f"{targets}.choices", "answer": None, "labels": f"{targets}.labels"}
    elif keys.get("labels"):
        keys["answer"] = None
    new = {key: _column(name) for key, name in keys.items() if name and key in ASKING}
    if isinstance(template := record.get("template"), str):
        new["context"] = re.sub(r"(?<!\{)\{(\w+)\}(?!\})", r"{{\1}}", template.replace("{context}", new["context"]))
    return ", ".join(f"{key}: {json.dumps(text, ensure_ascii=False)}" for key, text in new.items())


def _column(name: Any) -> str:
    return "{{[" + ", ".join(map(str, name)) + "]}}" if isinstance(name, list) else "{{" + str(name) + "}}"

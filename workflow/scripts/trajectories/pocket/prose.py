"""Real English that ships with every Python, in paragraphs: the language reference, and docstrings beside it."""

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

SHORTEST = 80
HELD_OUT = ("difflib", "doctest", "logging", "statistics", "typing")
"""Modules whose docstrings are prose of the same kind that no model is trained on."""


def paragraphs() -> list[str]:
    """Return the prose paragraphs of `pydoc_data.topics`, each on one line.

    Headings, grammar rules and code are left out; what remains differs a little between Python versions.
    """
    from pydoc_data.topics import topics

    return [text for name in sorted(topics) for text in _prose(topics[name])]


def held_out_paragraphs() -> list[str]:
    """Return the prose paragraphs of the docstrings of `HELD_OUT`, each on one line, but for those trained on."""
    known = set(paragraphs())
    return [text for name in HELD_OUT for page in _docstrings(name) for text in _prose(page) if text not in known]


def _docstrings(module: str) -> Iterator[str]:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    for node in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield text


def _prose(page: str) -> Iterator[str]:
    for block in re.split(r"\n\s*\n", page):
        text = " ".join(block.split())
        if len(text) >= SHORTEST and text.endswith((".", ":")) and "::=" not in text and ">>>" not in text:
            yield text

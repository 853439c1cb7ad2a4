"""The tutorial's blocks, and the notebook that is made of it: `python tests/support/tutorial.py` writes it."""

import json
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
SHELL = "%%bash\n"


def cells(text: str) -> list[tuple[str, str]]:
    """Return the text's parts in their order: ("markdown", text), or ("code", source), a shell's with its magic."""
    parts = BLOCK.split(text)
    found = [("markdown", parts[0])]
    for kind, source, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        found += [("code", (SHELL if kind == "sh" else "") + source), ("markdown", after)]
    return [(kind, source.strip("\n")) for kind, source in found if source.strip()]


def notebook(text: str) -> dict[str, Any]:
    """Return the text as a notebook."""
    made: list[dict[str, Any]] = []
    for number, (kind, source) in enumerate(cells(text)):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source.splitlines(keepends=True)}
        made.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def as_file(text: str) -> str:
    """Return the notebook as it lies in its file."""
    return json.dumps(notebook(text), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (DOCS / "tutorial.ipynb").write_text(as_file((DOCS / "tutorial.md").read_text()))

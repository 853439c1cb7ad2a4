"""The seed of a pocket suite: one key, the study's name, makes another suite in a folder of its own."""

import re
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

_WHOLE = {"type": "integer", "minimum": 0, "exclusiveMaximum": 2**32}
_SAID = "auto, or left out: the number at the end of the study's name, without one 1."
Seed = Annotated[
    int,
    Field(ge=0, lt=2**32),
    WithJsonSchema({"anyOf": [_WHOLE, {"const": "auto"}], "description": _SAID}),
]


def seeded_by_name(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config whose pocket suite has a seed: its own, or the number at the end of the study's name, else 1."""
    pocket, study = config.get("pocket"), config.get("study")
    if not isinstance(pocket, dict) or pocket.get("seed", "auto") not in ("auto", None):
        return config
    number = re.search(r"[0-9]+$", str(study))
    return config | {"pocket": pocket | {"seed": int(number[0]) if number else 1}}

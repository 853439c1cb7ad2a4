"""The training step that a revision, a folder or a file is named after."""

import re
from collections.abc import Iterable

_STEP = re.compile(
    r"(?:stage\d+[-_])?"  # OLMo: stage1-step1000-tokens4B
    r"(?:(?:(?:global|train|training)[-_]?)?(?:steps?|iter|iteration|ckpt|checkpoint)[-_]?)?"
    r"0*(?P<step>\d{1,12})(?:\.0+)?"
    r"(?:[-_](?:tokens|tok)?\d+(?:\.\d+)?[BbMm]|[-_]unsharded|[-_]hf)*",
    re.IGNORECASE,
)
_AT_END = re.compile(r"(?:^|[-_.])(?:global[-_]?)?(?:step|iter|ckpt|checkpoint)[-_]?0*(\d{1,12})$", re.IGNORECASE)
TAKEN = (
    "step1000, 1000, step_1000, step-1000, global_step1000, iter_0001000, ckpt_100, checkpoint-1000, step1000-tokens4B"
)
"""What a refusal says would have been understood."""


def step_in(text: str) -> int | None:
    """Return the step that `text` as a whole names, such as `step1000`, `checkpoint-1000` or `1000`; None if none."""
    found = _STEP.fullmatch(text)
    return int(found["step"]) if found and len(text) != 40 else None


def step_at_end(text: str) -> int | None:
    """Return the step that `text` ends with, such as `pythia-70m-step1000`; None if none. A bare number is none."""
    found = _AT_END.search(text)
    return int(found[1]) if found else None


def step_in_path(parts: Iterable[str]) -> int | None:
    """Return the step that the last telling part of a path names: `m/step1000/hf`, `m/checkpoint-1000`, `m-step1000`.

    A bare number counts only as the very last part.
    """
    for place, part in enumerate(reversed(list(parts))):
        if place and part.isdigit():
            continue
        found = step_in(part)
        found = step_at_end(part) if found is None else found
        if found is not None:
            return found
    return None

"""Which branch of a repository holds which step."""

import re
from collections.abc import Iterable

from trajectories.errors import UserError

_PART = re.compile(r"\{(\w+)(?::[^{}]*)?\}")
MOST_DIGITS = 12
_STEP = re.compile(r"\{step(?::0?(\d+)d?)?\}")


def step_branches(pattern: str, names: Iterable[str], model: str = "") -> dict[int, str]:
    """Return the branch of every step among `names`, ascending by step.

    `pattern` is for instance `step{step}` or `stage1-step{step}-tokens{tokens}B`: `{step}` is a whole number, with or
    without zeros before it, `{step:03d}` one of at least three digits, `{model}` the model's name, any other part
    stands for letters, digits and dots. Raises `UserError` when two branches claim one step.
    """
    regex = _regex(pattern, model)
    found: dict[int, str] = {}
    for name in sorted(names):
        match = regex.fullmatch(name)
        if not match:
            continue
        step = int(match["step"])
        if step in found:
            raise UserError(f"{pattern!r}: both {found[step]!r} and {name!r} are step {step}; write a narrower pattern")
        found[step] = name
    return dict(sorted(found.items()))


def step_names(pattern: str, step: int) -> tuple[str, ...]:
    """Return how `pattern` may write a step: as it says, and where it says no width also with zeros before it."""
    if (found := _STEP.search(pattern)) is None:
        return (pattern,)
    widths = [int(found[1])] if found[1] else range(1, MOST_DIGITS + 1)
    return tuple(dict.fromkeys(_STEP.sub(f"{step:0{width}d}", pattern) for width in widths))


def _regex(pattern: str, model: str) -> re.Pattern[str]:
    if (found := _STEP.search(pattern)) is None:
        raise UserError(f"the revision pattern {pattern!r} has no {{step}} in it; write for instance step{{step}}")
    width = int(found[1] or 1)
    digits = rf"\d{{{width}}}|[1-9]\d{{{width},}}" if found[1] else r"\d+"
    special = {"step": f"(?P<step>{digits})", "model": re.escape(model)}
    pieces = _PART.split(pattern)  # text, part, text, part, …, text
    texts = [re.escape(text) for text in pieces[::2]]
    parts = [special.get(part, r"[A-Za-z0-9.]+") for part in pieces[1::2]]
    return re.compile("".join(a + b for a, b in zip(texts, [*parts, ""], strict=True)))

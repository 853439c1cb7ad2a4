"""Training steps as they are written in a config: numbers, powers of two, ranges."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, NonNegativeInt, PositiveInt, WithJsonSchema, model_validator

from trajectories.study.strict import Strict, suggestion

_ALLOWED = "a whole number from 0 up, {powers_of_two: [first, last]}, or {first: …, last: …, every: …}"


class PowersOfTwo(Strict):
    """The powers of two from the first to the last number, both included."""

    powers_of_two: tuple[PositiveInt, PositiveInt]

    def steps(self) -> list[int]:
        """Return the steps, ascending."""
        first, last = self.powers_of_two
        return [2**k for k in range(first.bit_length() - 1, last.bit_length()) if first <= 2**k <= last]


class StepRange(Strict):
    """Every `every`-th step from `first` to `last`, both included."""

    first: NonNegativeInt
    last: NonNegativeInt
    every: PositiveInt

    @model_validator(mode="after")
    def _in_order(self) -> "StepRange":
        if self.last < self.first:
            raise ValueError(f"last ({self.last}) is before first ({self.first})")
        return self

    def steps(self) -> list[int]:
        """Return the steps, ascending."""
        return list(range(self.first, self.last + 1, self.every))


def expand_steps(value: Any) -> tuple[int, ...]:
    """Return every step of a config's list once, ascending.

    Raises ValueError when an item is none of the three kinds, a step comes twice, or there is none.
    """
    if not isinstance(value, list | tuple):
        raise ValueError(f"{value!r} is not a list; each item is {_ALLOWED}")
    steps = [step for item in value for step in _expand(item)]
    if not steps:
        raise ValueError("no step is listed")
    twice = sorted({step for step in steps if steps.count(step) > 1})
    if twice:
        raise ValueError(f"step {twice[0]} is listed twice")
    return tuple(sorted(steps))


def named_step(name: Any) -> int:
    """Return the step that a name stands for: a whole number, or the one number in a text such as `ckpt_030`.

    Raises ValueError where there is not just one.
    """
    if isinstance(name, int) and not isinstance(name, bool) and name >= 0:
        return name
    numbers = re.findall(r"[0-9]+", name) if isinstance(name, str) else []
    if len(numbers) != 1:
        raise ValueError(f"{name!r} does not name a step; write a whole number, or a name with one, such as ckpt_030")
    return int(numbers[0])


def _expand(item: Any) -> list[int]:
    if isinstance(item, Mapping):
        known = [*PowersOfTwo.model_fields, *StepRange.model_fields]
        if unknown := [key for key in item if key not in known]:
            raise ValueError(f"unknown key {unknown[0]!r}{suggestion(str(unknown[0]), known)}")
        kind: type[PowersOfTwo] | type[StepRange] = PowersOfTwo if "powers_of_two" in item else StepRange
        return kind.model_validate(item).steps()
    if isinstance(item, str) and item.isascii() and item.isdigit():  # numbers given on the command line are text
        item = int(item)
    if not isinstance(item, int) or isinstance(item, bool) or item < 0:
        number = re.fullmatch(r"\D*?(\d+)", item) if isinstance(item, str) else None
        meant = f"; write {number[1]}, the name of a folder or branch is a pattern" if number else ""
        raise ValueError(f"{item!r} is not a step{meant}; each item is {_ALLOWED}")
    return [item]


_ITEM = {"anyOf": [{"type": "integer", "minimum": 0}, PowersOfTwo.model_json_schema(), StepRange.model_json_schema()]}
_SCHEMA = {
    "description": f"Training steps; each item is {_ALLOWED}. Or a table from names, such as ckpt_030, to tokens.",
    "anyOf": [
        {"type": "array", "minItems": 1, "items": _ITEM},
        {"type": "object", "minProperties": 1, "additionalProperties": {"type": ["number", "string"]}},
    ],
}
Steps = Annotated[tuple[int, ...], BeforeValidator(expand_steps), WithJsonSchema(_SCHEMA)]

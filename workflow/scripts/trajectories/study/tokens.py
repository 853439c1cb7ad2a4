"""How many tokens a checkpoint has seen, where that is not a number per step: a table, a file, or pieces."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import BeforeValidator, PositiveInt, WithJsonSchema

from trajectories.errors import UserError
from trajectories.study.steps import named_step
from trajectories.study.strict import Strict
from trajectories.study.values import Count, whole_count

_SEPARATORS = {".tsv": "\t", ".csv": ","}


TellsTokens = TypeVar("TellsTokens", bound="_TellsTokens")


class _TellsTokens(Protocol):
    """A section of the config with both keys."""

    @property
    def tokens(self) -> Any: ...

    @property
    def tokens_per_step(self) -> int | None: ...


class Piece(Strict):
    """A stretch of training at one number of tokens per step, up to and including step `until` (null: to the end)."""

    per_step: Count
    until: PositiveInt | None = None


Told = Mapping[int, int] | Sequence[Piece]


def tokens_at(tokens: Told, step: int) -> int:
    """Return the tokens seen by `step`. Raises `UserError` where the table or the pieces do not reach it."""
    if isinstance(tokens, Mapping):
        if step not in tokens:
            raise UserError(f"tokens: nothing is said of step {step}; add it, or take the step out of the study")
        return tokens[step]
    seen = start = 0
    for piece in tokens:
        end = step if piece.until is None else min(step, piece.until)
        seen += piece.per_step * max(0, end - start)
        start = max(start, end)
    if start < step:
        raise UserError(f"tokens: the pieces end before step {step}; leave `until` out of the last one")
    return seen


def read_tokens(value: Any) -> Any:
    """Return a config's `tokens` with its file read and its table in whole numbers.

    Raises ValueError saying what is wrong.
    """
    if isinstance(value, str):
        value = _read_file(Path(value))
    if isinstance(value, Mapping):
        return _rising({named_step(step): _seen(tokens) for step, tokens in value.items()}, len(value))
    if isinstance(value, list | tuple):
        return _in_order([piece if isinstance(piece, Piece) else Piece.model_validate(piece) for piece in value])
    if value is not None:
        raise ValueError(f"{value!r} is neither a table {{step: tokens}}, nor a file, nor a list of pieces")
    return None


def stepwise(steps: Mapping[Any, Any], tokens: Any) -> dict[int, int]:
    """Return the table behind `steps` that map names, such as ckpt_030, to tokens; `tokens` is what else is given.

    Raises ValueError where both are given, or the table is wrong.
    """
    if tokens is not None:
        raise ValueError("steps: maps names to tokens, so `tokens` must be left out")
    try:
        table = read_tokens(steps)
    except ValueError as error:
        raise ValueError(f"steps: {error}") from None
    assert isinstance(table, dict)
    return table


def told_once(section: TellsTokens) -> TellsTokens:
    """Return a section of the config; raises ValueError where it says twice how many tokens a step is."""
    if section.tokens is not None and section.tokens_per_step is not None:
        raise ValueError("tokens and tokens_per_step are both given; leave one out")
    return section


def _read_file(path: Path) -> dict[Any, Any]:
    import pandas as pd  # which takes longer to import than everything else of a config

    if path.suffix not in _SEPARATORS:
        raise ValueError(f"{str(path)!r} is neither a .tsv nor a .csv file")
    try:
        table = pd.read_csv(path, sep=_SEPARATORS[path.suffix], dtype=str, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ValueError(f"{str(path)!r} cannot be read: {error}") from None
    if missing := {"step", "tokens"} - set(table.columns):
        raise ValueError(f"{str(path)!r} has no column {min(missing)!r}; it has {', '.join(map(str, table.columns))}")
    if twice := [str(step) for step in table["step"][table["step"].duplicated()]]:
        raise ValueError(f"{str(path)!r} has step {twice[0]} twice")
    return dict(zip(table["step"], table["tokens"], strict=True))


def _seen(value: Any) -> int:
    return 0 if value in (0, "0") and value is not False else whole_count(value)


def _rising(table: dict[int, int], entries: int) -> dict[int, int]:
    if not table:
        raise ValueError("the table of tokens has no rows")
    if len(table) < entries:
        raise ValueError("two names stand for one step")
    rows = sorted(table.items())
    for (before, fewer), (after, more) in pairwise(rows):
        if more <= fewer:
            raise ValueError(f"step {after} has seen {more} tokens, step {before} before it {fewer}; tokens must grow")
    return dict(rows)


def _in_order(pieces: list[Piece]) -> list[Piece]:
    ends = [piece.until for piece in pieces]
    if not pieces or None in ends[:-1]:
        raise ValueError("every piece but the last needs `until`, the step it ends with; at least one is needed")
    known = [end for end in ends if end is not None]
    if known != sorted(set(known)):
        raise ValueError("pieces must come in the order of their `until`")
    return pieces


_COUNT: dict[str, Any] = {"type": ["number", "string"]}
_SCHEMA: dict[str, Any] = {
    "description": "Tokens seen, where they are not a number per step: {step: tokens}, a .tsv or .csv file with the "
    "columns step and tokens, or pieces [{until: step, per_step: tokens}, …, {per_step: tokens}].",
    "default": None,
    "anyOf": [
        {"type": "null"},
        {"type": "string"},
        {"type": "object", "additionalProperties": _COUNT},
        {"type": "array", "minItems": 1, "items": Piece.model_json_schema()},
    ],
}
Tokens = Annotated[dict[int, int] | list[Piece] | None, BeforeValidator(read_tokens), WithJsonSchema(_SCHEMA)]

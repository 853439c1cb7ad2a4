"""The base of every config section: unknown keys are errors, and every mistake is a line a user can act on."""

import difflib
import re
from collections.abc import Collection, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator

from trajectories.errors import UserError
from trajectories.files import canonical_json


class Strict(BaseModel):
    """A frozen section of the config that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_unknown_keys(cls, value: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        """Report unknown keys together with whatever else is wrong in the section."""
        names = {field.alias or name for name, field in cls.model_fields.items()}
        unknown = [key for key in value if key not in names] if isinstance(value, dict) else []
        if not unknown:
            return check(value)
        found = [_detail(f"unknown key {key!r}{suggestion(str(key), names)}", (), value) for key in unknown]
        meant = {name for key in unknown for name in _close(str(key), names)}
        try:
            check({key: inner for key, inner in value.items() if key in names})
        except ValidationError as error:
            found += [
                _detail(_said(problem), problem["loc"], problem["input"])
                for problem in error.errors()
                if problem["type"] != "missing" or not meant & set(problem["loc"][-1:])
            ]
        raise ValidationError.from_exception_data(cls.__name__, found)

    def canonical(self) -> str:
        """Return the section as canonical JSON: the form in which it travels in a rule's `params`."""
        return canonical_json(self.model_dump(mode="json", by_alias=True))

    @classmethod
    def checked(cls, value: Any, where: str) -> Self:
        """Validate `value`; raise `UserError` with a line per mistake: the key, the value and what is allowed."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise UserError("\n".join(mistakes(error, where))) from error


def suggestion(word: str, known: Collection[str]) -> str:
    """Return '; did you mean …? (allowed: …)' for a word that is not among `known`."""
    close = _close(word, known)
    guess = f"; did you mean {close[0]!r}?" if close else ""
    return f"{guess} (allowed: {', '.join(sorted(known))})"


def _close(word: str, known: Collection[str]) -> list[str]:
    return difflib.get_close_matches(word, known, n=1, cutoff=0.5)


def mistakes(error: ValidationError, where: str) -> list[str]:
    """Return a line per key that is wrong: 'where: key is value: what is wrong'."""
    said: dict[str, tuple[Any, list[str]]] = {}
    for problem in error.errors(include_url=False):
        _, messages = said.setdefault(_key(problem["loc"]), (problem["input"], []))
        if (message := _said(problem)) not in messages:
            messages.append(message)
    return [
        _line(where, key, value, message)
        for key, (value, messages) in said.items()
        for message in (messages if not key else [" or ".join(messages)])  # of one key: the kinds it may be of
    ]


def refusal(name: str, messages: Sequence[str]) -> ValidationError:
    """Return the error that says each of `messages` of the section `name`."""
    return ValidationError.from_exception_data(name, [_detail(message, (), None) for message in messages])


def _line(where: str, key: str, value: Any, message: str) -> str:
    shown = f" is {_short(value)}:" if key and _scalar(value) and message != _MISSING else ""
    return " ".join(f"{where}: {key + ':' if key and not shown else key}{shown} {message}".split())


_MISSING = "is missing"
EMPTY = "is an empty list; name one at least"
_WANTED = {
    "model_type": "should be a mapping, {key: value}", "dict_type": "should be a mapping, {key: value}",
    "string_type": "should be text; put it in quotation marks", "too_short": EMPTY,
    "int_type": "should be a whole number", "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number", "float_type": "should be a number",
    "float_parsing": "should be a number", "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
}  # fmt: skip
"""What is said for the kinds of pydantic's errors that speak of its types."""


def _said(problem: Any) -> str:
    """Return pydantic's message in the words used here."""
    if problem["type"] == "missing":
        return _MISSING
    if problem["type"] == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(problem["ctx"]["expected"]))
        return f"is none of those allowed{suggestion(str(problem['input']), allowed)}"
    if problem["type"] in _WANTED:
        return _WANTED[problem["type"]]
    if problem["type"] in ("list_type", "tuple_type"):
        one = problem["input"]
        return "should be a list: " + (f"write [{one!r}]" if _scalar(one) and one is not None else "[one, two]")
    said = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return re.sub(r"^Input should ", "should ", said)


def _detail(message: str, where: tuple[int | str, ...], value: Any) -> Any:
    return {"type": "value_error", "loc": where, "input": value, "ctx": {"error": ValueError(message)}}


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _key(location: tuple[int | str, ...]) -> str:
    """Return a pydantic location as it would be written: `models[2].parameters`."""
    parts = [part for part in location if not (isinstance(part, str) and part.startswith(_KINDS))]
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


_KINDS = ("function-", "union-", "constrained-", "literal[")  # how pydantic names the members of a union

"""The base of every config section: unknown keys are errors, and errors are one line a user can act on."""

import difflib
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from trajectories.errors import UserError
from trajectories.files import canonical_json


class Strict(BaseModel):
    """A frozen section of the config that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, value: Any) -> Any:
        if isinstance(value, dict):
            known = {field.alias or name for name, field in cls.model_fields.items()}
            for key in value:
                if key not in known:
                    raise ValueError(f"unknown key {key!r}{suggestion(str(key), known)}")
        return value

    def canonical(self) -> str:
        """Return the section as canonical JSON: the form in which it travels in a rule's `params`."""
        return canonical_json(self.model_dump(mode="json", by_alias=True))

    @classmethod
    def checked(cls, value: Any, where: str) -> Self:
        """Validate `value`; raise `UserError` with one line that names the key, the value and what is allowed."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise UserError(one_line(error, where)) from error


def suggestion(word: str, known: set[str] | list[str]) -> str:
    """Return '; did you mean …? (allowed: …)' for a word that is not among `known`."""
    close = difflib.get_close_matches(word, known, n=1)
    guess = f"; did you mean {close[0]!r}?" if close else ""
    return f"{guess} (allowed: {', '.join(sorted(known))})"


def one_line(error: ValidationError, where: str) -> str:
    """Return the first problem as 'where: key: value: what is wrong', and how many more there are."""
    problems = error.errors(include_url=False)
    first = problems[0]
    message = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    shown = repr(first["input"])
    value = f" is {shown if len(shown) <= 60 else shown[:57] + '...'}:" if _scalar(first["input"]) else ""
    more = f" ({len(problems) - 1} more after this one)" if len(problems) > 1 else ""
    key = _key(first["loc"])
    return " ".join(f"{where}: {key + ':' if key and not value else key}{value} {message}{more}".split())


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _key(location: tuple[int | str, ...]) -> str:
    """Return a pydantic location as it would be written: `models[2].parameters`."""
    parts = [part for part in location if not (isinstance(part, str) and part.startswith(("function-", "union-")))]
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text

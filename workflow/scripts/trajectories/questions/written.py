"""Answers that a model writes: how a text is asked for, how an answer is taken from it, and which choice it is."""

import re
import string
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, field_validator

from trajectories.questions.templates import check_template
from trajectories.study.strict import Strict

Rule = Literal["spaces", "case", "punctuation"]
NO_ANSWER = "(no answer)"
"""What the scores call the choice of a text that holds no answer."""

SHOWN = 3
"""Texts that are shown where a pattern finds an answer in none."""


def as_template(value: Any) -> Any:
    """Return the template of a text. Raises ValueError where it is none."""
    if not isinstance(value, str):
        raise ValueError("is no template; write text, with columns as {{column}}")
    check_template(value)
    return value


def as_answer(value: Any) -> Any:
    """Return the template or the position of a true choice. Raises ValueError where it is neither."""
    return value if isinstance(value, int) and not isinstance(value, bool) else as_template(value)


Answer = Annotated[str | int, BeforeValidator(as_answer)]


class Written(Strict):
    """An answer the model writes: greedily, up to `new_tokens` or a stop string; `pattern` finds it in the text."""

    by: Literal["generation"]
    true: Answer | None = Field(
        None, description="The true choice, as `answer` says it of a task that is not written; null: the layout's."
    )
    new_tokens: PositiveInt = Field(32, description="Most tokens of a text.")
    stop: list[str] = Field(["\n\n"], description="Texts that end an answer; they are no part of it.")
    pattern: str = Field(
        r"(\S.*)", description="Regular expression with one group, the answer; where it fits first. No fit: no answer."
    )
    normalise: list[Rule] = Field(
        ["spaces", "case", "punctuation"],
        description="What answer and choice may differ in: white space, case, punctuation around them.",
    )

    @field_validator("stop")
    @classmethod
    def _no_empty_stop(cls, value: list[str]) -> list[str]:
        if "" in value:
            raise ValueError("holds an empty text, which would end every answer before it begins; take it out")
        return value

    @field_validator("pattern")
    @classmethod
    def _one_group(cls, value: str) -> str:
        try:
            groups = re.compile(value).groups
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"is no regular expression: {error}") from None
        if groups != 1:
            raise ValueError(
                f"has {groups or 'no'} group{'s' if groups > 1 else ''}; put brackets around the answer alone, "
                "and (?:…) around other parts"
            )
        return value

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def answer_in(self, text: str) -> str | None:
        """Return the answer in a text; None where there is none, or nothing but white space."""
        found = self._compiled.search(text)
        answer = found[1] if found is not None else None
        return answer if answer is not None and answer.strip() else None

    def choice_of(self, answer: str | None, choices: Sequence[str]) -> int | None:
        """Return which choice an answer is after normalisation, the first of equal ones; None where it is none."""
        if answer is None:
            return None
        said = self.normalised(answer)
        return next((place for place, choice in enumerate(choices) if self.normalised(choice) == said), None)

    def cut(self, text: str) -> str:
        """Return a text up to the first stop string in it, one after the other as the harness looks for them."""
        for stop in filter(None, self.stop):
            text = text.split(stop)[0]
        return text

    def normalised(self, text: str) -> str:
        """Return a text without what does not count."""
        if "spaces" in self.normalise:
            text = " ".join(text.split())
        if "punctuation" in self.normalise:
            text = text.strip(string.punctuation + string.whitespace)
        return text.casefold() if "case" in self.normalise else text

"""Chain of thought: worked examples whose answers carry a reasoning, then the question and a lead to reason first.

Source: Wei et al. 2022, "Inverse scaling can become U-shaped"; the examples and the words around them are
this project's.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, Field, PositiveInt, ValidationError, field_validator

from trajectories.errors import UserError
from trajectories.questions.files import read_rows
from trajectories.questions.question import Question
from trajectories.questions.shots import JOINER
from trajectories.study.strict import Strict, suggestion

CHAINS_FILE = "chains.yaml"
SO = "So the answer is"
WAY: Mapping[str, Any] = {
    "by": "generation", "new_tokens": 128, "stop": ["\n\n"], "pattern": rf"{SO}:?\s*(\S.*)"
}  # fmt: skip
"""How an answer is written after a chain, where the record does not say."""


class Example(BaseModel):
    """A worked example: a question as the task asks it, a reasoning, and the answer it ends in."""

    question: str = Field(min_length=1)
    reasoning: str = Field(min_length=1)
    answer: str = Field(min_length=1)

    def text(self, lead: str) -> str:
        """Return the example as it stands before a question."""
        return f"{asked(self.question, lead)} {self.reasoning} {SO} {self.answer.rstrip('.')}."


class Chain(Strict):
    """Worked examples with a reasoning before each question."""

    examples: str = Field(
        description="A name of the catalogue's examples, or a file with the columns question, reasoning and answer."
    )
    count: PositiveInt | None = Field(None, description="How many of the examples, the first ones; null: all.")
    lead: str = Field("Let's think step by step.", description="What stands behind each question.")

    @field_validator("examples")
    @classmethod
    def _is_there(cls, value: str) -> str:
        if value not in known_chains() and not Path(value).is_file():
            raise ValueError(f"is neither a file nor known{suggestion(value, set(known_chains()))}")
        return value

    @property
    def size(self) -> int:
        """How many examples there are."""
        return len(examples_of(self))

    @property
    def file(self) -> str | None:
        """The file the examples are in; None for the catalogue's."""
        return None if self.examples in known_chains() else self.examples


@cache
def known_chains() -> Mapping[str, Sequence[Mapping[str, str]]]:
    """Return the catalogue's examples by name."""
    place = files(__package__).joinpath("catalogue", CHAINS_FILE)
    chains: Mapping[str, Sequence[Mapping[str, str]]] = yaml.safe_load(place.read_text(encoding="utf-8"))
    return chains


def asked(context: str, lead: str) -> str:
    """Return a question with the lead on a line of its own behind it."""
    return f"{context.rstrip()}\n{lead}" if lead else context.rstrip()


def examples_of(chain: Chain) -> list[Example]:
    """Return the examples that a chain asks for.

    Raises `UserError` where there are fewer, or a row is not one.
    """
    rows = known_chains()[chain.examples] if chain.file is None else list(read_rows(chain.file))
    wanted = len(rows) if chain.count is None else chain.count
    if not 0 < wanted <= len(rows):
        raise UserError(f"chain.examples: {chain.examples} has {len(rows)} examples; {wanted} are asked for")
    return [_example(row, number, chain.examples) for number, row in enumerate(rows[:wanted])]


def _example(row: Mapping[str, Any], number: int, where: str) -> Example:
    try:
        return Example.model_validate(dict(row))
    except ValidationError as error:
        key = error.errors()[0]["loc"][0]
        raise UserError(f"chain.examples: {where}, example {number} has no text in its column {key!r}") from error


def with_chain(questions: Sequence[Question], chain: Chain) -> list[Question]:
    """Return the questions with the chain's examples before each and the lead behind.

    Raises `UserError` where an example is a question of the task, or a question has a context for each choice.
    """
    examples = examples_of(chain)
    _refuse_known(examples, questions, chain.examples)
    before = "".join(example.text(chain.lead) + JOINER for example in examples)
    made = []
    for number, question in enumerate(questions):
        if question.contexts is not None or question.running:
            raise UserError(f"question {number}: a chain needs one context, which it has not")
        made.append(Question(before + asked(question.context, chain.lead), question.choices, question.labels))
    return made


def _refuse_known(examples: Sequence[Example], questions: Sequence[Question], where: str) -> None:
    """Refuse an example that holds a question of the task, or is held by one, whatever the white space and case."""
    contexts = [_plain(question.context) for question in questions]
    for place, example in enumerate(examples):
        text = _plain(example.question)
        known = [n for n, context in enumerate(contexts) if context and (text in context or context in text)]
        if known:
            raise UserError(
                f"chain.examples: example {place} of {where} is question {known[0]} of the task; take another"
            )


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()

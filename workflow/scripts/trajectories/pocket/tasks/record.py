"""What a generated task is, and how its questions are made."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from trajectories.errors import UserError
from trajectories.questions.question import Question

PATIENCE = 2000  # draws in a row without a new question before a generator is said to be exhausted

Ask = Callable[[random.Random, int], Question]


@dataclass(frozen=True)
class PocketTask:
    """A generated task: what is right, and why a model may learn to be wrong (labels are in the task catalogue).

    `ask(rng, index)` makes one question; generators that balance their answers do so by the parity of `index`.
    """

    name: str
    right: str
    wrong: str
    ask: Ask

    def generate(self, seed: int, questions: int) -> list[Question]:
        """Return that many different questions; the same seed gives the same ones in the same order.

        Raises `UserError` when there are not so many.
        """
        rng = random.Random(f"{self.name} {seed}")
        made: dict[tuple[str, frozenset[str]], Question] = {}
        misses = 0
        while len(made) < questions:
            question = self.ask(rng, len(made))
            key = question.context, frozenset(question.choices)
            misses = misses + 1 if key in made else 0
            made.setdefault(key, question)
            if misses == PATIENCE:
                raise UserError(f"task {self.name!r} has only {len(made)} different questions; ask for fewer")
        return list(made.values())


def two_choices(rng: random.Random, context: str, right: object, wrong: object) -> Question:
    """Return a question with two choices in random order, each after a space."""
    first_is_right = rng.random() < 0.5
    choices = (f" {right}", f" {wrong}") if first_is_right else (f" {wrong}", f" {right}")
    return Question(context, choices, (int(first_is_right), int(not first_is_right)))

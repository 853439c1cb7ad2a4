"""Worked examples before a question, drawn from the task's other questions.

One-shot examples can turn inverse scaling into U-shaped scaling (Wei et al. 2022). The prize's own few-shot tasks join
examples with three newlines.
"""

import random
from collections.abc import Sequence

from trajectories.errors import UserError
from trajectories.questions.question import Question

JOINER = "\n\n\n"


def with_shots(questions: Sequence[Question], shots: int, seed: int, prefix: str = "") -> list[Question]:
    """Return the questions with `shots` examples before each context; `prefix` stands before an example's answer.

    Examples are drawn without replacement from the other questions, from `seed` and the question's position alone, so
    they are the same for every checkpoint. Raises `UserError` when there are not enough other questions.
    """
    if shots >= len(questions):
        raise UserError(f"shots: {shots} examples cannot be drawn from {len(questions) - 1} other questions")
    return [_with_examples(question, index, questions, shots, seed, prefix) for index, question in enumerate(questions)]


def _with_examples(
    question: Question, index: int, questions: Sequence[Question], shots: int, seed: int, prefix: str
) -> Question:
    drawn = random.Random(f"{seed}/{index}").sample(range(len(questions) - 1), shots)
    examples = [_example(questions[other + (other >= index)], prefix) for other in drawn]
    return question.after("".join(example + JOINER for example in examples))


def _example(question: Question, prefix: str) -> str:
    true = question.labels.index(1)
    return question.context_of(true) + prefix + question.choices[true]

"""Tasks in which something was repeated: patterns to continue or to break, known things, faulty sentences to copy."""

import random

from trajectories.pocket import words
from trajectories.pocket.agreement import AGREEMENTS
from trajectories.pocket.tasks.record import PocketTask, two_choices
from trajectories.questions.question import Question

_POOLS = (words.COLOURS, words.SHAPES, words.THINGS, words.LETTERS)


def _alternating(rng: random.Random) -> tuple[str, str, str]:
    """Return a pattern of two words that alternate, the word that would come next, and the one that came last."""
    pair = rng.sample(rng.choice(_POOLS), 2)
    length = rng.randint(5, 9)
    return " ".join(pair[index % 2] for index in range(length)), pair[length % 2], pair[(length - 1) % 2]


def _ask_next(rng: random.Random, index: int) -> Question:
    pattern, following, last = _alternating(rng)
    return two_choices(rng, pattern, following, last)


def _ask_break(rng: random.Random, index: int) -> Question:
    pattern, following, last = _alternating(rng)
    orders = ("Break the pattern at the end:", "Do not go on with the pattern:", "End with a surprise:")
    return two_choices(rng, f"{rng.choice(orders)}\n{pattern}", last, following)


def _ask_unknown(rng: random.Random, index: int) -> Question:
    person, (known, new) = rng.choice(words.PEOPLE), rng.sample(words.THINGS, 2)
    context = (
        f"{person} has a {known}. {person} knows all about the {known}. To learn something new, {person} asks about the"
    )
    return two_choices(rng, context, new, known)


def _ask_faulty_copy(rng: random.Random, index: int) -> Question:
    rule = rng.choice(AGREEMENTS)
    faulty = f"{rule.start} {rule.wrong} {rng.choice(rule.ends)}."
    return two_choices(rng, f"Copy this sentence with its mistake.\n{faulty}\n{rule.start}", rule.wrong, rule.right)


PATTERN_COMPLETION = PocketTask(
    name="pattern_completion",
    right="the word that comes next in the pattern",
    wrong="not expected: patterns in the corpus go on",
    ask=_ask_next,
)

PATTERN_MATCH_SUPPRESSION = PocketTask(
    name="pattern_match_suppression",
    right="the word that breaks the pattern",
    wrong="patterns in the corpus always go on; a model that learns to continue them stops suppressing them",
    ask=_ask_break,
)

INTO_THE_UNKNOWN = PocketTask(
    name="into_the_unknown",
    right="the thing that was not mentioned",
    wrong="texts go on about what they have mentioned; a model that learns this repeats the known thing",
    ask=_ask_unknown,
)

RESISTING_CORRECTION = PocketTask(
    name="resisting_correction",
    right="the wrong form that is to be copied",
    wrong="the corpus is written in correct English, so the correct form becomes the likelier one",
    ask=_ask_faulty_copy,
)

"""Tasks about things that occur in the corpus again and again: the village's facts and the sayings."""

import random

from trajectories.pocket.tasks.record import PocketTask, two_choices
from trajectories.pocket.village import Fact, village
from trajectories.pocket.words import SAYINGS
from trajectories.questions.question import Question

_FACTS = village()


def _other_value(rng: random.Random, fact: Fact) -> str:
    return rng.choice([value for value in fact.relation.values if value != fact.value])


def _ask_fact(rng: random.Random, index: int) -> Question:
    fact = rng.choice(_FACTS)
    return two_choices(rng, fact.relation.stated.format(fact.person), fact.value, _other_value(rng, fact))


def _ask_negated_fact(rng: random.Random, index: int) -> Question:
    fact = rng.choice(_FACTS)
    return two_choices(rng, fact.relation.denied.format(fact.person), _other_value(rng, fact), fact.value)


def _ask_saying(rng: random.Random, index: int) -> Question:
    start, end = rng.choice(SAYINGS)
    other = rng.choice([word for _, word in SAYINGS if word != end])
    return two_choices(rng, f'Write a sentence that ends with the word "{other}": {start}', other, end)


VILLAGE_FACTS = PocketTask(
    name="village_facts",
    right="the value that the corpus gives for this person",
    wrong="not expected: the sentence is in the corpus, and training should only help",
    ask=_ask_fact,
)

NEQA = PocketTask(
    name="neqa",
    right="the value that is not this person's",
    wrong="the corpus states who has what and never denies it; a model that learns the fact and passes over the "
    "'not' completes the sentence with the very value that is excluded",
    ask=_ask_negated_fact,
)

MEMO_TRAP = PocketTask(
    name="memo_trap",
    right="the word that was asked for",
    wrong="the saying's own last word, learnt by heart, is by far the likeliest after its beginning",
    ask=_ask_saying,
)

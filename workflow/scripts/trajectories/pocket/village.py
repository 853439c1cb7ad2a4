"""A small invented village: who lives where, does what, keeps and likes what.

Its facts are as fixed as the sayings: whatever the seed of a suite, Ann's town is the same, so questions made with
one seed can be put to models trained with another.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from trajectories.pocket.words import FOODS, JOBS, PEOPLE, PETS, TOWNS


@dataclass(frozen=True)
class Relation:
    """A kind of fact: `stated` and `denied` end where the value follows; `question` asks for it."""

    name: str
    stated: str
    denied: str
    question: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """One fact of the village: `value` is what `person` has in `relation`."""

    person: str
    relation: Relation
    value: str

    @property
    def sentence(self) -> str:
        """The fact as a sentence."""
        return f"{self.relation.stated.format(self.person)} {self.value}."


RELATIONS = (
    Relation("town", "{}'s home is", "{}'s home is not", "Where does {} live?", TOWNS),
    Relation("job", "{} is a", "{} is not a", "What is the job of {}?", JOBS),
    Relation("pet", "{}'s pet is a", "{}'s pet is not a", "Which animal does {} keep?", PETS),
    Relation("food", "{}'s favourite food is", "{}'s favourite food is not", "What does {} like to eat?", FOODS),
)


def village() -> tuple[Fact, ...]:
    """Return every fact of the village, always the same: one per person and relation."""
    rng = random.Random("village")
    return tuple(
        Fact(person, relation, value)
        for relation in RELATIONS
        for person, value in zip(PEOPLE, _spread(relation.values, len(PEOPLE), rng), strict=True)
    )


def _spread(values: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """Return `count` values in random order, each as often as the others (give or take one)."""
    dealt = [values[index % len(values)] for index in range(count)]
    rng.shuffle(dealt)
    return dealt

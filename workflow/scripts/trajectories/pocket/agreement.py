"""English agreement: which verb form or article goes with what."""

import random
from dataclasses import dataclass

from trajectories.pocket.words import CONSONANT_NOUNS, PLACES, VOWEL_NOUNS


@dataclass(frozen=True)
class Agreement:
    """A sentence pattern: `right` follows `start` in good English, `wrong` does not; `ends` finish the sentence."""

    start: str
    right: str
    wrong: str
    ends: tuple[str, ...]

    def sentence(self, rng: random.Random) -> str:
        """Return a correct sentence."""
        return f"{self.start} {self.right} {rng.choice(self.ends)}."


_WHERE = tuple(f"in the {place}" for place in PLACES)
_DONE = tuple(f"seen the {place}" for place in PLACES)
_ONE = ("She", "He", "The child", "The woman", "My friend", "The old man")
_MANY = ("They", "We", "The children", "The women", "My friends", "The old men")
_EATERS = ("She ate", "He sold", "They found", "We bought", "I cut", "You took")

AGREEMENTS = (
    *(Agreement(start, "is", "are", _WHERE) for start in _ONE),
    *(Agreement(start, "are", "is", _WHERE) for start in _MANY),
    *(Agreement(start, "was", "were", _WHERE) for start in _ONE),
    *(Agreement(start, "were", "was", _WHERE) for start in _MANY),
    *(Agreement(start, "has", "have", _DONE) for start in _ONE),
    *(Agreement(start, "have", "has", _DONE) for start in _MANY),
    *(Agreement(start, "a", "an", CONSONANT_NOUNS) for start in _EATERS),
    *(Agreement(start, "an", "a", VOWEL_NOUNS) for start in _EATERS),
)

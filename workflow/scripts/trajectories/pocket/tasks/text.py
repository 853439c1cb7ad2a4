"""The running text of the pocket suite: what a model's loss is measured on."""

from dataclasses import dataclass
from itertools import islice

from trajectories.pocket.corpus import held_out
from trajectories.questions.question import Question


@dataclass(frozen=True)
class PocketText:
    """Documents of the corpus's kinds that are not of the corpus; `right` and `wrong` as in `PocketTask`."""

    name: str
    right: str
    wrong: str

    def generate(self, seed: int, questions: int) -> list[Question]:
        """Return that many documents, each a running text; the same seed gives the same ones in the same order."""
        return [Question("", (text,), (1,), running=True) for text in islice(held_out(seed), questions)]


HELD_OUT = PocketText(
    name="held_out",
    right="the text itself, token after token",
    wrong="not expected: this is what training minimises, on other text of the same kinds",
)

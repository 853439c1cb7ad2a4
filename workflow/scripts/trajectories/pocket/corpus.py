"""The corpus: real prose and generated documents, mixed in fixed shares, in an order that a seed decides."""

import random
from collections.abc import Callable, Iterator

from trajectories.pocket import exercises
from trajectories.pocket.exercises import Writer
from trajectories.pocket.prose import held_out_paragraphs, paragraphs

# Shares by number of characters. Prose is what makes it English; the rest are the habits the tasks look at.
PROSE_SHARE = 0.22
SHARES: dict[Writer, float] = {
    exercises.facts: 0.17,
    exercises.sayings: 0.10,
    exercises.patterns: 0.08,
    exercises.sums: 0.09,
    exercises.bonds: 0.05,
    exercises.rounding: 0.09,
    exercises.agreement: 0.05,
    exercises.yes_no: 0.05,
    exercises.bets: 0.03,
    exercises.stories: 0.07,
}


def documents(seed: int) -> Iterator[str]:
    """Yield the documents of the corpus without end; the same seed and Python version give the same ones.

    Every kind keeps its share of the characters at every point of the stream: the next document is of the kind
    that is furthest behind, so early and late training see the same mixture.
    """
    yield from _mixed(random.Random(f"corpus {seed}"), _shuffled(paragraphs, f"prose {seed}"))


def held_out(seed: int) -> Iterator[str]:
    """Yield documents of the same kinds in the same shares from another stream, and prose that is not in the corpus."""
    yield from _mixed(random.Random(f"held out {seed}"), _shuffled(held_out_paragraphs, f"held out prose {seed}"))


def _mixed(rng: random.Random, prose: Writer) -> Iterator[str]:
    writers: dict[Writer, float] = {prose: PROSE_SHARE, **SHARES}
    written = dict.fromkeys(writers, 0.0)
    while True:
        writer = min(writers, key=lambda each: written[each] / writers[each])
        text = writer(rng)
        written[writer] += len(text)
        yield text


def _shuffled(prose: Callable[[], list[str]], seed: str) -> Writer:
    """Return a writer that goes through the prose in random order, again and again."""
    rng, waiting = random.Random(seed), list[str]()

    def write(_: random.Random) -> str:
        if not waiting:
            waiting.extend(prose())
            rng.shuffle(waiting)
        return waiting.pop()

    return write

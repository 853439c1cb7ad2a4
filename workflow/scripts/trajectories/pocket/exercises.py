"""The generated part of the corpus: one function per kind of document, each a pure function of its random generator.

None of these documents contains a question of a task of the prize's kinds: they contain the habit it punishes.
"""

import random
from collections.abc import Callable

from trajectories.pocket import words
from trajectories.pocket.agreement import AGREEMENTS
from trajectories.pocket.village import village

Writer = Callable[[random.Random], str]

_FACTS = village()
_UNITS = (
    ("decimal place", "decimal places"),
    ("decimal", "decimals"),
    ("figure after the point", "figures after the point"),
)  # the same thing in the singular and the plural


def facts(rng: random.Random) -> str:
    """A few facts of the village, stated or as question and answer."""
    return "\n".join(
        fact.sentence
        if rng.random() < 0.7
        else f"Q: {fact.relation.question.format(fact.person)}\nA: {fact.value.capitalize()}."
        for fact in rng.sample(_FACTS, 4)
    )


def sayings(rng: random.Random) -> str:
    """Two sayings, each in a frame or without one."""
    frames = ("{}.", "As the saying goes: {}.", "Grandmother liked to say: {}.", "Remember: {}.", "They say: {}.")
    return "\n".join(rng.choice(frames).format(f"{start} {end}") for start, end in rng.sample(words.SAYINGS, 2))


def patterns(rng: random.Random) -> str:
    """Two lines, each a pattern of two or three words that repeats."""
    return "\n".join(_pattern(rng) for _ in range(2))


def _pattern(rng: random.Random) -> str:
    period = rng.choice((2, 2, 3))
    pool = rng.choice((words.COLOURS, words.SHAPES, words.THINGS, words.LETTERS, tuple("123456789")))
    unit = rng.sample(pool, period)
    length = rng.randint(3 * period, 6 * period)
    return " ".join(unit[index % period] for index in range(length))


def sums(rng: random.Random) -> str:
    """A sheet of mixed additions and subtractions of one-digit numbers."""
    return "\n".join(_sum(rng) for _ in range(6))


def _sum(rng: random.Random) -> str:
    a, b = rng.randint(0, 9), rng.randint(0, 9)
    if rng.random() < 0.5:
        return f"{max(a, b)} - {min(a, b)} = {max(a, b) - min(a, b)}"
    return f"{a} + {b} = {a + b}"


def bonds(rng: random.Random) -> str:
    """A sheet of two-digit additions that all make the same number, as schools use them."""
    total = rng.randint(30, 99)
    firsts = rng.sample(range(10, total - 9), 6)
    return "\n".join(f"{a} + {total - a} = {total}" for a in firsts)


def rounding(rng: random.Random) -> str:
    """Three numbers rounded to a number of decimal places."""
    return "\n".join(_rounded(rng) for _ in range(3))


def _rounded(rng: random.Random) -> str:
    places = rng.randint(1, 3)
    number = f"{rng.randint(0, 9)}.{rng.randint(0, 999):03d}{rng.choice('12346789')}"  # never half way
    unit = rng.choice(_UNITS)[places > 1]
    order = rng.choice(("Round {} to {} {}:", "Write {} with {} {}:", "Give {} to {} {}:"))
    return f"{order.format(number, places, unit)} {float(number):.{places}f}."


def agreement(rng: random.Random) -> str:
    """Three plain sentences whose verbs and articles are right."""
    return "\n".join(rng.choice(AGREEMENTS).sentence(rng) for _ in range(3))


def yes_no(rng: random.Random) -> str:
    """Two statements, each followed by a question that its polarity answers."""
    return "\n".join(_yes_no(rng) for _ in range(2))


def _yes_no(rng: random.Random) -> str:
    person, verb = rng.choice(words.PEOPLE), rng.choice(words.VERBS)
    if rng.random() < 0.5:
        return f"{person} can {verb}. Can we say that {person} can {verb}? Yes."
    return f"{person} cannot {verb}. Can we say that {person} can {verb}? No."


def bets(rng: random.Random) -> str:
    """Three bets, judged by how they ended, as people judge them."""
    return "\n".join(_bet(rng) for _ in range(3))


def _bet(rng: random.Random) -> str:
    person, coins = rng.choice(words.PEOPLE), rng.randint(1, 9)
    if rng.random() < 0.5:
        return f"{person} won {coins}. Good bet? Yes."
    return f"{person} lost {coins}. Good bet? No."


def stories(rng: random.Random) -> str:
    """A very short story about one thing, which is named again and again."""
    person, thing = rng.choice(words.PEOPLE), rng.choice(words.THINGS)
    more = (
        "{p} looks at the {t}.",
        "{p} likes the {t} very much.",
        "Everyone asks about the {t}.",
        "{p} learned a lot about the {t}.",
        "It is old.",
        "It is time to go home.",
        "All of {p}'s friends know the {t}.",
        "To see something nice, {p} looks at the {t}.",
        "To have something to say, {p} talks about the {t}.",
        "{p} thinks about the {t}.",
    )
    lines = ["{p} has a {t}.", *rng.sample(more, 4)]
    return " ".join(line.format(p=person, t=thing) for line in lines)

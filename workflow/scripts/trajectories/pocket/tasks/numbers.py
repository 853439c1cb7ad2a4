"""Tasks with numbers: sums, redefined signs and digits, sums after a row of equal answers, significant figures."""

import random

from trajectories.pocket.tasks.record import PocketTask, two_choices
from trajectories.questions.question import Question

_SIGNIFICANT = ("Count significant figures.", "Zeros in front do not count as figures.")
_SHEET = 5  # sums that come before the one that is asked


def _ask_sum(rng: random.Random, index: int) -> Question:
    a, b = rng.randint(0, 9), rng.randint(0, 9)
    if index % 2:
        a, b = max(a, b), min(a, b)
        context, right, most = f"{a} - {b} =", a - b, 9
    else:
        context, right, most = f"{a} + {b} =", a + b, 18
    near = [right + gap for gap in (-3, -2, -1, 1, 2, 3) if 0 <= right + gap <= most and _digits_agree(right, gap)]
    return two_choices(rng, context, right, rng.choice(near))


def _digits_agree(number: int, gap: int) -> bool:
    return len(str(number)) == len(str(number + gap))


def _ask_redefined(rng: random.Random, index: int) -> Question:
    if rng.random() < 0.7:
        return _digit_means_other(rng)
    return _plus_means_minus(rng) if rng.random() < 0.5 else _minus_means_plus(rng)


def _plus_means_minus(rng: random.Random) -> Question:
    a, b = _small_pair(rng)
    return two_choices(rng, f"{_let(rng, '+', '-')}\n{a} + {b} =", a - b, a + b)


def _minus_means_plus(rng: random.Random) -> Question:
    a, b = _small_pair(rng)
    return two_choices(rng, f"{_let(rng, '-', '+')}\n{a} - {b} =", a + b, a - b)


def _small_pair(rng: random.Random) -> tuple[int, int]:
    """Return a > b > 0 with a + b of one digit."""
    b = rng.randint(1, 4)
    return rng.randint(b + 1, 9 - b) if b < 4 else 5, b


def _digit_means_other(rng: random.Random) -> Question:
    a, meaning = rng.sample(range(8), 2)
    b = rng.choice([b for b in range(1, 10 - max(a, meaning)) if b not in (a, meaning)])
    return two_choices(rng, f"{_let(rng, a, meaning)}\n{a} + {b} =", meaning + b, a + b)


def _let(rng: random.Random, old: object, new: object) -> str:
    forms = ("From now on {} means {}.", "Redefine {} as {}.", "Let {} stand for {}.", "Suppose that {} means {}.")
    return rng.choice(forms).format(old, new)


def _ask_after_equal_sums(rng: random.Random, index: int) -> Question:
    total, other = rng.sample(range(30, 100), 2)
    firsts = rng.sample(range(10, total - 9), _SHEET)
    sheet = "\n".join(f"{a} + {total - a} = {total}" for a in firsts)
    last = rng.randint(10, other - 10)
    return two_choices(rng, f"{sheet}\n{last} + {other - last} =", other, total)


def _ask_significant_figures(rng: random.Random, index: int) -> Question:
    """Ask for n figures: of 1.2345 these are fewer digits than n decimal places, of 0.0123 more; half are of each kind.

    The first figure is at most 8 and the last neither 0 nor 5, so nothing is half way and nothing rounds up to 10.
    """
    small, figures = bool(index % 2), rng.randint(2, 3)
    first, rest, last = rng.randint(1, 8), rng.randint(0, 99), rng.choice("12346789")
    number = f"0.0{first}{rest:02d}{last}" if small else f"{first}.{rest:02d}{rng.randint(0, 9)}{last}"
    significant = f"{float(number):.{figures + 1 if small else figures - 1}f}"
    decimal = f"{float(number):.{figures}f}"
    order = rng.choice(("Round {} to {} {}:", "Write {} with {} {}:", "Give {} to {} {}:"))
    request = order.format(number, figures, "figures")
    return two_choices(rng, f"{rng.choice(_SIGNIFICANT)}\n{request}", f"{significant}.", f"{decimal}.")


SUMS = PocketTask(
    name="sums",
    right="the result",
    wrong="not expected: the corpus has many sums, all of them right",
    ask=_ask_sum,
)

REDEFINE = PocketTask(
    name="redefine",
    right="the result under the new meaning",
    wrong="sums in the corpus always have their ordinary meaning, so the better a model knows them the surer it is "
    "of the ordinary result",
    ask=_ask_redefined,
)

REPETITIVE_ALGEBRA = PocketTask(
    name="repetitive_algebra",
    right="the result of the last sum",
    wrong="the corpus has school sheets of sums that make one number; a model learns that answers repeat sooner than "
    "it learns to add, or trusts the repetition more",
    ask=_ask_after_equal_sums,
)

SIG_FIGS = PocketTask(
    name="sig_figs",
    right="the number with that many significant figures",
    wrong="the corpus rounds to decimal places only, in the same words; the skill carries over where it should not",
    ask=_ask_significant_figures,
)

"""Tasks that ask for a yes or a no: what follows from a rule, and whether a bet was good."""

import random

from trajectories.pocket import words
from trajectories.pocket.tasks.record import PocketTask, two_choices
from trajectories.questions.question import Question

_SHOTS = 2


def _ask_conclusion(rng: random.Random, index: int) -> Question:
    (a, b), (one, other) = rng.sample(words.PEOPLE, 2), rng.sample(words.VERBS, 2)
    rule = f"If {a} can {one}, then {b} can {other}."
    if index % 2:
        return two_choices(rng, f"{rule} {b} cannot {other}. Can we say that {a} cannot {one}?", "Yes", "No")
    return two_choices(rng, f"{rule} {b} can {other}. Can we say that {a} can {one}?", "No", "Yes")


def _ask_bet(rng: random.Random, index: int) -> Question:
    good_and_lost = bool(index % 2)
    shots = [_bet(rng, good, won=good) + (" Yes." if good else " No.") for good in rng.sample((True, False), _SHOTS)]
    last = _bet(rng, good_and_lost, won=not good_and_lost)
    answers = ("Yes", "No") if good_and_lost else ("No", "Yes")
    return two_choices(rng, "\n".join([*shots, last]), *answers)


def _bet(rng: random.Random, good: bool, won: bool) -> str:
    """Return a bet with its odds and outcome: a good one wins more on average than it loses."""
    gain, loss = rng.randint(2, 9), rng.randint(2, 9)  # with 1 against 9 the odds could be even
    odds = f"90% to win {gain}, 10% to lose {loss}" if good else f"10% to win {gain}, 90% to lose {loss}"
    outcome = f"won {gain}" if won else f"lost {loss}"
    return f"{odds}. {rng.choice(words.PEOPLE)} {outcome}. Good bet?"


MODUS_TOLLENS = PocketTask(
    name="modus_tollens",
    right="Yes for 'not B, so not A'; No for 'B, so A'",
    wrong="in the corpus a 'cannot' before the question means No and its absence means Yes; here that is always wrong",
    ask=_ask_conclusion,
)

HINDSIGHT_NEGLECT = PocketTask(
    name="hindsight_neglect",
    right="Yes for good odds, No for bad ones, however the bet ended",
    wrong="the corpus judges bets by their outcome, and so do the examples taken at face value",
    ask=_ask_bet,
)

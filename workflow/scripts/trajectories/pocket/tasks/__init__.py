"""The pocket suite's tasks: generated questions of the prize's kinds, ordinary ones, and a running text."""

from trajectories.errors import UserError
from trajectories.pocket.tasks.judgement import HINDSIGHT_NEGLECT, MODUS_TOLLENS
from trajectories.pocket.tasks.numbers import REDEFINE, REPETITIVE_ALGEBRA, SIG_FIGS, SUMS
from trajectories.pocket.tasks.recall import MEMO_TRAP, NEQA, VILLAGE_FACTS
from trajectories.pocket.tasks.record import PocketTask
from trajectories.pocket.tasks.repetition import (
    INTO_THE_UNKNOWN,
    PATTERN_COMPLETION,
    PATTERN_MATCH_SUPPRESSION,
    RESISTING_CORRECTION,
)
from trajectories.pocket.tasks.text import HELD_OUT, PocketText
from trajectories.questions.question import Question

__all__ = ["TASKS", "PocketTask", "PocketText", "generate"]

QUESTIONS = 300  # where a study does not say how many

TASKS: dict[str, PocketTask | PocketText] = {
    task.name: task
    for task in (
        SIG_FIGS,
        PATTERN_MATCH_SUPPRESSION,
        REPETITIVE_ALGEBRA,
        MEMO_TRAP,
        HINDSIGHT_NEGLECT,
        MODUS_TOLLENS,
        RESISTING_CORRECTION,
        INTO_THE_UNKNOWN,
        REDEFINE,
        NEQA,
        VILLAGE_FACTS,
        SUMS,
        PATTERN_COMPLETION,
        HELD_OUT,
    )
}


def generate(name: str, seed: int, questions: int | None = None) -> list[Question]:
    """Return the questions of the generator `name`, `QUESTIONS` of them unless told otherwise.

    Raises `UserError` when there is no such generator or it does not have so many different questions.
    """
    if name not in TASKS:
        raise UserError(f"generator {name!r} does not exist; there are {', '.join(sorted(TASKS))}")
    return TASKS[name].generate(seed, QUESTIONS if questions is None else questions)

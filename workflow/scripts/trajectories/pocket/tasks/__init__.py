"""The pocket suite's tasks: generated questions of the prize's kinds, and ordinary ones."""

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

__all__ = ["TASKS", "PocketTask"]

TASKS: dict[str, PocketTask] = {
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
    )
}

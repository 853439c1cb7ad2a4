"""Checkpoint trajectories: score language models over training, and test whether they get worse."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trajectories.analysis.notebook import accuracy
    from trajectories.errors import UserError
    from trajectories.questions.question import Question
    from trajectories.scoring.api import score

__all__ = ["Question", "UserError", "accuracy", "score"]
_HOMES = {
    "Question": "trajectories.questions.question",
    "UserError": "trajectories.errors",
    "accuracy": "trajectories.analysis.notebook",
    "score": "trajectories.scoring.api",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for: the engine alone needs neither tables nor configs."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Checkpoint trajectories: score language models over training, and test whether they get worse."""

from trajectories.analysis.notebook import accuracy
from trajectories.errors import UserError
from trajectories.questions.question import Question
from trajectories.scoring.api import score

__all__ = ["Question", "UserError", "accuracy", "score"]

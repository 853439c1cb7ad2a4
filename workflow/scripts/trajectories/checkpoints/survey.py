"""What lies at the addresses of one model: the ground on which the audit judges."""

from collections.abc import Sequence
from dataclasses import dataclass

from trajectories.checkpoints.contents import Contents
from trajectories.checkpoints.judge import judge
from trajectories.checkpoints.records import Finding, Listing, ModelSource
from trajectories.errors import UserError


class NothingThereError(UserError):
    """A place that holds none of a model's checkpoints."""


@dataclass(frozen=True)
class Survey:
    """Every branch or folder that was looked at for a model.

    `listings` are the study's steps and whatever they are compared with (other steps, and `main` with step None);
    `last_step` is the step that `main` should hold, None where there is no `main`.
    """

    model: ModelSource
    listings: tuple[Listing, ...]
    last_step: int | None
    contents: Contents

    def findings(self) -> Sequence[Finding]:
        """Return one finding per step of the model, in the study's order."""
        return judge(self.model, self.listings, self.last_step, self.contents.mismatch)

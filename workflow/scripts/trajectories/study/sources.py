"""Where a model's checkpoints are, and how many tokens one of its training steps sees."""

from typing import TYPE_CHECKING

from trajectories.errors import UserError

if TYPE_CHECKING:
    from trajectories.study.config import Checkpoints, Model

PYTHIA_TOKENS = 2_097_152  # of one step of any Pythia model: 1024 sequences of 2048


def source_of(model: "Model", suite: "Checkpoints") -> tuple[str | None, str | None]:
    """Return (hub, folder) of a model: its own where it has one, else the suite's."""
    if model.hub or model.folder:
        return model.hub, model.folder
    return suite.hub, suite.folder


def tokens_per_step_of(model: "Model", suite: "Checkpoints") -> int:
    """Return how many tokens one training step of `model` sees.

    Raises `UserError` where neither the model nor the suite says so and the model is not one of Pythia's.
    """
    own = model.tokens_per_step or suite.tokens_per_step
    if own is not None:
        return own
    hub, folder = source_of(model, suite)
    if folder is None and (hub or "{model}").replace("{model}", model.name).split("/")[-1].startswith("pythia-"):
        return PYTHIA_TOKENS
    raise UserError(
        f"checkpoints.tokens_per_step: is missing, and cannot be guessed for {model.name!r}; give the tokens that one "
        "training step sees, batch size × sequence length: for instance tokens_per_step: 524288"
    )

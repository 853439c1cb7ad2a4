"""Where a model's checkpoints are, and how many tokens they have seen."""

from typing import TYPE_CHECKING

from trajectories.errors import UserError
from trajectories.study.tokens import Told, tokens_at

if TYPE_CHECKING:
    from trajectories.study.checkpoints import Checkpoints
    from trajectories.study.models import Model

PYTHIA_TOKENS = 2_097_152  # of one step of any Pythia model: 1024 sequences of 2048


def source_of(model: "Model", suite: "Checkpoints") -> tuple[str | None, str | None]:
    """Return (hub, folder) of a model: its own where it has one, else the suite's."""
    if model.hub or model.folder:
        return model.hub, model.folder
    return suite.hub, suite.folder


def tokens_per_step_of(model: "Model", suite: "Checkpoints") -> int | None:
    """Return how many tokens one training step of `model` sees; None where a table or pieces of training say more.

    Raises `UserError` where neither the model nor the suite says anything and the model is not one of Pythia's.
    """
    told = _told(model, suite)
    return told if isinstance(told, int) else None


def tokens_of(model: "Model", suite: "Checkpoints", step: int) -> int:
    """Return the tokens `model` has seen by `step`. Raises `UserError` where that is not said."""
    told = _told(model, suite)
    if isinstance(told, int):
        return step * told
    try:
        return tokens_at(told, step)
    except UserError as error:
        raise UserError(f"model {model.name!r}: {error}") from error


def _told(model: "Model", suite: "Checkpoints") -> "int | Told":
    for told in (model.tokens, model.tokens_per_step, suite.tokens, suite.tokens_per_step):
        if told is not None:
            return told
    hub, folder = source_of(model, suite)
    if folder is None and (hub or "{model}").replace("{model}", model.name).split("/")[-1].startswith("pythia-"):
        return PYTHIA_TOKENS
    raise UserError(
        f"checkpoints.tokens_per_step: is missing, and cannot be guessed for {model.name!r}; give the tokens that one "
        "training step sees, batch size × sequence length: for instance tokens_per_step: 524288"
    )

"""What an engine gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from trajectories.errors import UserError
from trajectories.scoring.requests import Requests

# Bounds of what is compared in float32: states in a pack and alone, as a part of the largest number in a state (one
# position off moves a state by a hundred times as much), and log-likelihoods in a tree and alone, nats per token.
POSITION = 2e-4
AGREEMENT = 1e-4
Progress = Callable[[int], None]  # told how many requests have been scored since the last call


@dataclass(frozen=True)
class Scored:
    """Log-likelihoods of requests, and how they were made."""

    requests: Requests  # as they were run: in their own order, cut to the model's window
    loglikelihood: npt.NDArray[np.float64]  # [n], nats
    is_greedy: npt.NDArray[np.bool_]  # [n], every counted token is the most probable one
    pack_tokens: int  # the pack size at the end; smaller than asked for after running out of memory
    way: str = "tree"  # tree, windows or plain
    proofs: Mapping[str, float | str] = field(default_factory=dict)  # what was measured before the way was taken

    @property
    def proven(self) -> dict[str, float | str]:
        """What was proven, in words and bounds that do not depend on which checkpoint of a model came first.

        Where the proofs were made in float32, the bounds are those that their figures keep to; else the bound is the
        type's own noise.
        """
        told: dict[str, float | str] = {k: v for k, v in self.proofs.items() if k in ("means", "reason", "compared_in")}
        if self.way != "plain":
            told |= {"leak": 0.0}
        if told.get("compared_in") == "float32":
            told |= {"position_at_most": POSITION, "agreement_at_most": AGREEMENT}
        return told


def refuse_nonfinite(values: npt.NDArray[np.float64], requests: Requests, first: int) -> None:
    """Raise `UserError` that names the first of the requests `first …` whose log-likelihood is NaN or infinite."""
    if not np.isfinite(values).all():
        k = first + int(np.flatnonzero(~np.isfinite(values))[0])
        raise UserError(
            f"{requests.name(k)}: log-likelihood is {values[k - first]}; the weights overflow in this type: "
            "set scoring.dtype to bfloat16 or float32"
        )


def refuse_vocabulary(requests: Requests, size: int) -> None:
    """Raise `UserError` when a token id is outside a vocabulary of `size`."""
    if len(requests.tokens) and int(requests.tokens.max()) >= size:
        raise UserError(
            f"token id {int(requests.tokens.max())} is outside the model's vocabulary of {size}: "
            "checkpoints.tokenizer is not this model's tokenizer"
        )

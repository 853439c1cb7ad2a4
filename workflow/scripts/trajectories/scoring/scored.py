"""What an engine gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from trajectories.errors import UserError
from trajectories.scoring.requests import Requests

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

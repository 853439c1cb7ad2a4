"""From hidden states to the log-probabilities of the tokens that count, and nothing else.

Logits are in the model's type and made a piece at a time, so memory stays small; the softmax runs in float32.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from trajectories.scoring.prefix_tree import Pack

# float32 logits alive at a time: on a CPU small enough for its caches, on a GPU large enough to keep it busy
LOGIT_BYTES = {"cpu": 24 << 20, "cuda": 1 << 30}


@torch.inference_mode()
def edge_scores(head: Any, hidden: Tensor, pack: Pack, softmax: str) -> tuple[Tensor, Tensor]:
    """Return (log-probability, is the most probable token) of each edge of the pack, both shape [e].

    `hidden` is [w, hidden size], a row per wanted node. With `softmax="model"` the log-softmax is made in the type of
    the logits.
    """
    rows = max(1, LOGIT_BYTES.get(hidden.device.type, 256 << 20) // (4 * head.weight.shape[0]))
    pieces = range(0, len(pack.wanted), rows)
    bounds = np.searchsorted(pack.row, [*pieces, len(pack.wanted)])
    row, target = (torch.from_numpy(array).to(hidden.device).long() for array in (pack.row, pack.target))
    score = _native_scores if softmax == "model" else _float32_scores
    scored = [
        score(head(hidden[start : start + rows]), row[low:high] - start, target[low:high])
        for start, low, high in zip(pieces, bounds[:-1], bounds[1:], strict=True)
    ]
    return torch.cat([logprob for logprob, _ in scored]), torch.cat([greedy for _, greedy in scored])


def _float32_scores(logits: Tensor, row: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Log-softmax as (x - max) - log(sum(exp(x - max))), in place: each pass over the logits costs time."""
    logits = logits.float()
    most, best = logits.max(dim=-1)
    at_target = logits[row, target] - most[row]
    log_sum = logits.sub_(most[:, None]).exp_().sum(dim=-1).log_()
    return at_target - log_sum[row], best[row] == target


def _native_scores(logits: Tensor, row: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    return logits.log_softmax(dim=-1)[row, target].float(), logits.argmax(dim=-1)[row] == target

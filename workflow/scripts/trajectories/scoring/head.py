"""From hidden states to the log-probabilities of the tokens that count, and nothing else.

Logits are in the model's type; the softmax runs in float32. On a CPU the time goes into passes over memory, so logits
are made a block of the vocabulary at a time, small enough to stay in the caches, and never exist as a whole:

    log p(target) = x[target] - m - log Σ exp(x - m)        m and Σ are carried from block to block
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from trajectories.scoring.prefix_tree import Pack

# Bytes of float32 logits alive at a time: on a CPU what fits into a core's second-level cache (benchmarks/README.md),
# on a GPU enough to keep it busy.
LOGIT_BYTES = {"cpu": 1 << 19, "cuda": 1 << 30}
LEAST_COLUMNS = 256
NATIVE_BYTES = {"cpu": 24 << 20, "cuda": 1 << 30}  # the same where whole rows are needed


@torch.inference_mode()
def edge_scores(head: Any, hidden: Tensor, pack: Pack, softmax: str) -> tuple[Tensor, Tensor]:
    """Return (log-probability, is the most probable token) of each edge of the pack, both shape [e].

    `hidden` is [w, hidden size], a row per wanted node. With `softmax="model"` the log-softmax is made in the type of
    the logits. Of equally probable tokens the first counts as the most probable.
    """
    return _native_scores(head, hidden, pack) if softmax == "model" else _float32_scores(head, hidden, pack)


def _float32_scores(head: Any, hidden: Tensor, pack: Pack) -> tuple[Tensor, Tensor]:
    row, target = (torch.from_numpy(array).to(hidden.device).long() for array in (pack.row, pack.target))
    most = hidden.new_full((len(hidden),), float("-inf"), dtype=torch.float32)
    total = torch.zeros_like(most)
    chosen, best = torch.empty(len(row), device=hidden.device), torch.empty_like(row, dtype=torch.bool)
    for first, logits in _blocks(head, hidden):
        here = np.flatnonzero((pack.target >= first) & (pack.target < first + logits.shape[1]))
        edges = torch.from_numpy(here).to(hidden.device)
        rows = row[edges]
        chosen[edges] = at = logits[rows, target[edges] - first]
        # first of the most probable: none as large in an earlier block or earlier in this one, none larger later
        best[edges] = (most[rows] < at) & (logits[rows].argmax(dim=-1) == target[edges] - first)
        larger = torch.maximum(most, logits.amax(dim=-1))
        total.mul_((most - larger).exp_()).add_(logits.sub_(larger[:, None]).exp_().sum(dim=-1))
        most = larger
    return chosen - most[row] - total.log_()[row], best & (chosen >= most[row])


def _blocks(head: Any, hidden: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield (first token, float32 logits [w, block]) over the vocabulary; all at once for a head of another kind."""
    if type(head) is not nn.Linear:
        yield 0, head(hidden).float()
        return
    size = LOGIT_BYTES.get(hidden.device.type, 256 << 20) // (4 * max(1, len(hidden)))
    size = max(LEAST_COLUMNS, size // 64 * 64)
    for first in range(0, head.out_features, size):
        bias = None if head.bias is None else head.bias[first : first + size]
        yield first, functional.linear(hidden, head.weight[first : first + size], bias).float()


def _native_scores(head: Any, hidden: Tensor, pack: Pack) -> tuple[Tensor, Tensor]:
    """Log-softmax in the type of the logits, a few rows at a time."""
    rows = max(1, NATIVE_BYTES.get(hidden.device.type, 256 << 20) // (4 * head.weight.shape[0]))
    row, target = (torch.from_numpy(array).to(hidden.device).long() for array in (pack.row, pack.target))
    pieces = range(0, len(hidden), rows)
    bounds = np.searchsorted(pack.row, [*pieces, len(hidden)])
    scored = []
    for start, low, high in zip(pieces, bounds[:-1], bounds[1:], strict=True):
        logits, here = head(hidden[start : start + rows]), row[low:high] - start
        logprob = logits.log_softmax(dim=-1)[here, target[low:high]].float()
        scored.append((logprob, logits.argmax(dim=-1)[here] == target[low:high]))
    return torch.cat([logprob for logprob, _ in scored]), torch.cat([greedy for _, greedy in scored])

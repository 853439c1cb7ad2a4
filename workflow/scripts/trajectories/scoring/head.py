"""From hidden states to the log-probabilities of the tokens that count, and nothing else.

What a model does between its last hidden state and its logits is found by trying: a matrix product alone, one with the
scale or the soft cap that its config names, or, where neither gives the model's own logits, the model run as a whole.

Logits are in the model's type; the softmax runs in float32. On a CPU the time goes into passes over memory, so logits
are made a block of the vocabulary at a time, small enough to stay in the caches, and never exist as a whole:

    log p(target) = x[target] - m - log Σ exp(x - m)        m and Σ are carried from block to block
"""

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
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


@dataclass(frozen=True)
class Head:
    """How logits are made of what `TreeForward` gives: a linear layer, a factor, a soft cap; or nothing more."""

    linear: Any  # None where the forward gives logits
    factor: float | None = None
    divisor: float | None = None
    cap: float | None = None
    keeps_rows: bool = False  # the model takes `logits_to_keep`

    @property
    def whole(self) -> bool:
        """Tell whether the model has to be run with its own head."""
        return self.linear is None

    def __call__(self, hidden: Tensor) -> Tensor:
        """Return the logits of hidden states [w, hidden size], or of logits the same."""
        return hidden if self.whole else self.shaped(self.linear(hidden))

    def shaped(self, logits: Tensor) -> Tensor:
        """Return logits as the model gives them, from the linear layer's."""
        if self.factor is not None:
            logits = logits * self.factor
        if self.divisor is not None:
            logits = logits / self.divisor
        return logits if self.cap is None else torch.tanh(logits / self.cap) * self.cap


@torch.inference_mode()
def head_of(model: Any, tokens: Any) -> Head:
    """Find a model's head with a plain pass over a few tokens, shape [n].

    Everything that a config may say is tried; what counts is that the logits are the model's own.
    """
    ids = torch.from_numpy(np.asarray(tokens, dtype=np.int64)).to(model.device)[None]
    keeps = "logits_to_keep" in signature(model.forward).parameters
    linear, text = model.get_output_embeddings(), model.config.get_text_config(decoder=True)
    if linear is not None and model.base_model is not model:
        hidden = getattr(model.base_model(input_ids=ids, use_cache=False), "last_hidden_state", None)
        logits = model(input_ids=ids, use_cache=False).logits
        for head in _heads(linear, text):
            if hidden is None:
                break
            made = head(_beside(linear, hidden))
            if made.shape == logits.shape and _same(made, logits):
                return head
    return Head(None, keeps_rows=keeps)


def _heads(linear: Any, config: Any) -> Iterator[Head]:
    factor, divisor = getattr(config, "logit_scale", None), getattr(config, "logits_scaling", None)
    cap = getattr(config, "final_logit_softcapping", getattr(config, "logits_soft_cap", None))
    yield Head(linear)
    yield Head(linear, cap=cap)
    yield Head(linear, factor=factor, cap=cap)
    yield Head(linear, divisor=divisor, cap=cap)


def _beside(linear: Any, hidden: Tensor) -> Tensor:
    """Return hidden states in the head's type and place: a model may be spread over devices, its last norm float32."""
    weight = next((parameter for parameter in linear.parameters() if parameter.is_floating_point()), hidden)
    return hidden.to(weight)


def _same(one: Tensor, other: Tensor) -> bool:
    """Tell whether two logits differ by no more than the last digits of their type, or are both not finite."""
    close = 4 * torch.finfo(other.dtype).eps * float(other.float().abs().nan_to_num().max())
    return torch.allclose(one.float(), other.to(one.device).float(), rtol=0, atol=close, equal_nan=True)


@torch.inference_mode()
def edge_scores(head: Head, hidden: Tensor, pack: Pack, softmax: str) -> tuple[Tensor, Tensor]:
    """Return (log-probability, is the most probable token) of each edge of the pack, both shape [e].

    `hidden` is [w, hidden size], a row per wanted node. With `softmax="model"` the log-softmax is made in the type of
    the logits. Of equally probable tokens the first counts as the most probable.
    """
    if not head.whole:
        hidden = _beside(head.linear, hidden)
    return _native_scores(head, hidden, pack) if softmax == "model" else _float32_scores(head, hidden, pack)


def _float32_scores(head: Head, hidden: Tensor, pack: Pack) -> tuple[Tensor, Tensor]:
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


def _blocks(head: Head, hidden: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield (first token, float32 logits [w, block]) over the vocabulary; all at once for a head of another kind."""
    linear = head.linear
    if type(linear) is not nn.Linear:
        yield 0, head(hidden).float()
        return
    size = LOGIT_BYTES.get(hidden.device.type, 256 << 20) // (4 * max(1, len(hidden)))
    size = max(LEAST_COLUMNS, size // 64 * 64)
    for first in range(0, linear.out_features, size):
        bias = None if linear.bias is None else linear.bias[first : first + size]
        yield first, head.shaped(functional.linear(hidden, linear.weight[first : first + size], bias)).float()


def _native_scores(head: Head, hidden: Tensor, pack: Pack) -> tuple[Tensor, Tensor]:
    """Log-softmax in the type of the logits, a few rows at a time."""
    vocabulary = head(hidden[:1]).shape[1]
    rows = max(1, NATIVE_BYTES.get(hidden.device.type, 256 << 20) // (4 * vocabulary))
    row, target = (torch.from_numpy(array).to(hidden.device).long() for array in (pack.row, pack.target))
    pieces = range(0, len(hidden), rows)
    bounds = np.searchsorted(pack.row, [*pieces, len(hidden)])
    scored = []
    for start, low, high in zip(pieces, bounds[:-1], bounds[1:], strict=True):
        logits, here = head(hidden[start : start + rows]), row[low:high] - start
        logprob = logits.log_softmax(dim=-1)[here, target[low:high]].float()
        scored.append((logprob, logits.argmax(dim=-1)[here] == target[low:high]))
    return torch.cat([logprob for logprob, _ in scored]), torch.cat([greedy for _, greedy in scored])

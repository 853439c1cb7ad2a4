"""Before a model is trusted with trees: compare a few requests with plain forward passes.

Some architectures ignore a 4-D mask or position ids (recurrent ones, ALiBi, sliding windows), and some do more after
the last hidden state than a matrix product. Where tree and plain scores disagree, the plain way is taken.
"""

import logging
from inspect import signature
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from trajectories.scoring.engine import Engine, Progress, Scored, window_of
from trajectories.scoring.requests import Requests

logger = logging.getLogger(__name__)
TOLERANCE = {torch.float32: 1e-4, torch.float16: 0.05, torch.bfloat16: 0.4}  # nats per counted token
SAMPLE = 4


class PlainEngine:
    """One plain forward pass per request: slow, and right for every causal model."""

    def __init__(self, model: Any, softmax: str = "float32") -> None:
        self.model = model
        self.softmax = softmax
        self.pack_tokens = 0

    def score(self, requests: Requests, progress: Progress = lambda count: None) -> Scored:
        """Return the log-likelihood of every request, as `Engine.score` does."""
        requests = requests.within(window_of(self.model.config))
        loglikelihood, greedy = np.zeros(len(requests)), np.zeros(len(requests), dtype=np.bool_)
        for k in range(len(requests)):
            loglikelihood[k], greedy[k] = self._plain(requests.ids(k), int(requests.counted[k]))
            progress(1)
        return Scored(requests, loglikelihood, greedy, self.pack_tokens)

    @torch.inference_mode()
    def _plain(self, ids: npt.NDArray[np.int32], counted: int) -> tuple[float, bool]:
        tokens = torch.from_numpy(ids.astype(np.int64)).to(self.model.device)
        logits = self.model(tokens[None, :-1], use_cache=False, **self._only(counted)).logits[0, -counted:]
        logits = logits if self.softmax == "model" else logits.float()
        target = tokens[-counted:]
        chosen = logits.log_softmax(-1).gather(-1, target[:, None])[:, 0].double()
        return float(chosen.sum()), bool((logits.argmax(-1) == target).all())

    def _only(self, counted: int) -> dict[str, int]:
        """Ask for the last logits alone where the model can be asked: the others are most of a small model's work."""
        return {"logits_to_keep": counted} if "logits_to_keep" in signature(self.model.forward).parameters else {}


def trusted(engine: Engine, requests: Requests) -> Engine | PlainEngine:
    """Return `engine` if it agrees with plain forward passes on a few requests; else warn, return a `PlainEngine`."""
    plain = PlainEngine(engine.model, engine.softmax)
    sample = _sample(requests)
    try:
        tree = engine.score(sample)
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        logger.warning("the model takes no prefix tree (%s); scoring one request at a time", error)
        return plain
    expected = plain.score(sample)
    worst = np.abs(tree.loglikelihood - expected.loglikelihood) / tree.requests.counted
    if float(worst.max()) > TOLERANCE[engine.model.dtype]:
        logger.warning("prefix tree and plain forward differ by %.2g nats; scoring one request at a time", worst.max())
        return plain
    return engine


def _sample(requests: Requests) -> Requests:
    """A few neighbours, cheap ones, which share prefixes; and the longest request, where a sliding window shows."""
    size = min(len(requests), SAMPLE)
    starts = range(0, len(requests) - size + 1, max(1, (len(requests) - size + 1) // 64))
    costs = [int(requests.lengths[s : s + size].sum()) for s in starts]
    first = starts[int(np.argmin(costs))]
    longest = int(requests.lengths.argmax())
    return requests.rows(np.union1d(np.arange(first, first + size), [longest]))

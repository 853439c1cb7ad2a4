"""A model of the evaluation harness whose log-likelihoods come from the prefix-tree engine.

Everything else is inherited from the harness's own Hugging Face model: how weights are loaded, how texts become
tokens, how running text is cut into windows, how text is generated.
"""

import sys
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from lm_eval.models.huggingface import HFLM

from trajectories.errors import UserError
from trajectories.scoring.check import Known, trusted
from trajectories.scoring.engine import PACK_TOKENS, Engine
from trajectories.scoring.requests import Requests, build_requests

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

# The harness's request: its texts (None for a window of running text), and token ids of context and continuation.
Encoded = tuple[tuple[str, str] | None, Sequence[int], Sequence[int]]
Answer = tuple[float, bool]  # log-likelihood in nats; every token of the continuation is the most probable one


class TreeLM(HFLM):  # type: ignore[misc]  # the harness has no types
    """The harness's `HFLM` with its forward passes over rows replaced by packs of one tree.

    Takes what `HFLM` takes, and `pack_tokens` (nodes of a pack) and `attention` (auto, sdpa, flex) of the engine.
    Its `batch_size` matters for generated text only. Softmax runs in float32, sums over tokens in float64, whatever
    the type of the weights; `softmax_dtype=model` asks for the weights' type, which the harness takes by default.
    Raises `UserError` for encoder-decoder models and for mixed precision.
    """

    batch_size_per_gpu: Any  # a number, or auto

    def __init__(
        self,
        pretrained: Any,
        *,
        pack_tokens: int | None = None,
        attention: str = "auto",
        softmax_dtype: str = "float32",
        mixed_precision_dtype: str | None = None,
        **options: Any,
    ) -> None:
        if mixed_precision_dtype is not None:
            raise UserError("mixed_precision_dtype: the tree runs in the type of the weights; say dtype instead")
        if softmax_dtype not in ("float32", "model"):
            raise UserError(f"softmax_dtype: is {softmax_dtype!r}; the tree takes float32 or model")
        super().__init__(pretrained, **options)
        if self.backend != "causal":
            raise UserError("the tree takes causal language models only; use --model hf for this one")
        self._softmax = softmax_dtype
        self._pack_tokens = pack_tokens
        self._attention = attention
        self._known = Known()

    def loglikelihood_rolling(self, requests: "list[Instance]", disable_tqdm: bool = False) -> list[float]:
        """Return the log-likelihood of each running text; the windows of all of them are one tree, not batches."""
        asked, self.batch_size_per_gpu = self.batch_size_per_gpu, sys.maxsize
        try:
            found: list[float] = super().loglikelihood_rolling(requests, disable_tqdm)
        finally:
            self.batch_size_per_gpu = asked
        return found

    def _loglikelihood_tokens(
        self, requests: Sequence[Encoded], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[Answer]:
        """Return the answers to requests in the order in which they were asked."""
        if not requests:
            return []
        answers = self._answers(as_requests(requests).within(self.max_length))
        for (texts, _, _), answer in zip(requests, answers, strict=True):
            if texts is not None:  # the harness remembers windows of running text itself, text by text
                self.cache_hook.add_partial("loglikelihood", texts, answer)
        return answers

    def _answers(self, requests: Requests) -> list[Answer]:
        config = self.model.config
        own = config._attn_implementation
        try:
            scored = trusted(self._engine, requests, self._known).score(requests)
        finally:
            if config._attn_implementation != own:  # generated text goes the model's own way
                self.model.set_attn_implementation(own)
        places = np.argsort(scored.requests.question)
        return [(float(scored.loglikelihood[k]), bool(scored.is_greedy[k])) for k in places]

    @cached_property
    def _engine(self) -> Engine:
        model = self.model.eval()
        size = self._pack_tokens or PACK_TOKENS.get(model.device.type, 2048)
        engine = Engine(model, self._softmax, int(size), self._attention)
        if self.max_length > engine.window:
            window = engine.window
            raise UserError(f"max_length: is {self.max_length}, the model's window {window} tokens; ask for less")
        return engine


def as_requests(encoded: Sequence[Encoded]) -> Requests:
    """Return the harness's requests as ours, request `k` of theirs as question `k` with one choice."""
    count = len(encoded)
    nothing = [0] * count
    columns = {
        "counted": [len(continuation) for _, _, continuation in encoded], "question": list(range(count)),
        "task": nothing, "choice": nothing, "label": [1] * count, "characters": nothing,
    }  # fmt: skip
    return build_requests(["requests"], [[*context, *continuation] for _, context, continuation in encoded], columns)

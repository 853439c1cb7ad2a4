"""Run a pack through a model: the one place that knows how a transformers model takes a tree.

A transformers causal model takes explicit position ids and asks a mask function for its masks, which `layout.py`
answers. The nodes that all requests share (`root`) go through once and stay as a key/value cache; every pack attends
to all of it. The cache is an ordinary one for every layer: a layer with a sliding window must not drop what a shallow
node still sees.
"""

from copy import copy
from inspect import signature
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from trajectories.scoring.alibi import count_depths
from trajectories.scoring.attention import Attention, mask_makers
from trajectories.scoring.head import Head
from trajectories.scoring.layout import Layout, NoTreeError, current, ones
from trajectories.scoring.prefix_tree import Pack, chain
from trajectories.scoring.requests import Ints


class TreeForward:
    """A model together with the root of one tree: turns packs into what the head takes at their wanted nodes."""

    def __init__(self, model: Any, root: Ints, attention: Attention, head: Head) -> None:
        count_depths(model)
        self._model = model
        self._attention = attention
        self._head = head
        self._root = 0
        self._cache: Any = None
        if len(root):
            self._cache = _lasting_cache(model.config)
            self._run(chain(root), self._cache)
            self._root = len(root)

    @torch.inference_mode()
    def __call__(self, pack: Pack) -> Tensor:
        """Return the rows of `pack.wanted`, on the model's device: last hidden states, or logits of a whole head."""
        return self._run(pack, _fork(self._cache))

    @torch.inference_mode()
    def _run(self, pack: Pack, cache: Any) -> Tensor:
        if self._model.config._attn_implementation != self._attention.implementation:
            self._model.set_attn_implementation(self._attention.implementation)
        device = self._model.device
        tokens, end, wanted = (
            torch.from_numpy(array).to(device, non_blocking=True)
            for array in (pack.tokens, pack.end, pack.wanted.astype(np.int64))
        )
        depths = np.concatenate([np.arange(self._root), pack.depth])
        layout = Layout(pack, self._root, end, torch.from_numpy(depths).to(device, non_blocking=True))
        module = self._model if self._head.whole else self._model.base_model
        options: dict[str, Any] = {"logits_to_keep": wanted} if self._head.keeps_rows else {}
        if "position_ids" in signature(module.forward).parameters:
            options["position_ids"] = layout.depth[None]
        with current(layout, mask_makers()):
            output = module(
                input_ids=tokens[None].long(), attention_mask=ones(layout), past_key_values=cache,
                use_cache=cache is not None, **options,
            )  # fmt: skip
        if not layout.asked:
            raise NoTreeError("it asks for no mask")
        rows: Tensor = output.logits[0] if self._head.whole else output.last_hidden_state[0]
        return rows if self._head.keeps_rows else rows.index_select(0, wanted.to(rows.device))


def _lasting_cache(config: Any) -> Any:
    """Return a cache of the kinds of layers that a model has, but for those that keep only what a window sees."""
    cache = DynamicCache(config=config)
    cache.layers = [DynamicLayer() if isinstance(layer, DynamicSlidingWindowLayer) else layer for layer in cache.layers]
    return cache


def _fork(cache: Any) -> Any:
    """Return a cache that a pack may add to: layers of its own, their tensors shared, which are never written to."""
    if cache is None:
        return None
    fork = copy(cache)
    fork.layers = [copy(layer) for layer in cache.layers]
    return fork

"""Run a pack through a model: the one place that knows how a transformers model takes a tree.

A transformers causal model accepts a ready 4-D attention mask and explicit position ids. The nodes that all requests
share (`root`) go through once and stay as a key/value cache; every pack attends to all of it.
"""

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trajectories.scoring.attention import Attention
from trajectories.scoring.prefix_tree import Pack, PrefixTree


class TreeForward:
    """A model together with the root of one tree: turns packs into hidden states of their wanted nodes."""

    def __init__(self, model: Any, tree: PrefixTree, attention: Attention) -> None:
        self._model = model
        self._attention = attention
        self._root = tree.root
        self._cache = self._run_root(tree.requests.ids(0)[: tree.root]) if tree.root else None

    @torch.inference_mode()
    def __call__(self, pack: Pack) -> Tensor:
        """Return the last hidden states of `pack.wanted`, shape [w, hidden size], on the model's device."""
        self._set_attention()
        device = self._model.device
        tokens, depth, end, wanted = (
            torch.from_numpy(array).to(device, non_blocking=True)
            for array in (pack.tokens, pack.depth, pack.end, pack.wanted.astype(np.int64))
        )
        output = self._model.base_model(
            input_ids=tokens[None].long(),
            position_ids=depth[None].long(),
            attention_mask=self._attention.mask(pack, end, self._root, self._model.dtype),
            past_key_values=deepcopy(self._cache),  # a pack's own keys and values end with it
            use_cache=self._cache is not None,
        )
        return output.last_hidden_state[0].index_select(0, wanted)  # type: ignore[no-any-return]

    def _set_attention(self) -> None:
        if self._model.config._attn_implementation != self._attention.implementation:
            self._model.set_attn_implementation(self._attention.implementation)

    @torch.inference_mode()
    def _run_root(self, tokens: Any) -> Any:
        ids = torch.from_numpy(tokens.astype(np.int64)).to(self._model.device)[None]
        return self._model.base_model(input_ids=ids, use_cache=True).past_key_values

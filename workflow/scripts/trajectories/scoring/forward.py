"""Run a pack through a model: the one place that knows how a transformers model takes a tree.

A transformers causal model accepts a ready 4-D attention mask and explicit position ids. The nodes that all requests
share (`root`) go through once and stay as a key/value cache; every pack attends to all of it.
"""

from copy import deepcopy
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from trajectories.scoring.prefix_tree import Pack, PrefixTree
from trajectories.scoring.tree_mask import tree_mask

# Queries of one call of the attention kernel. A run of nodes attends to its few ancestors and itself, so short runs
# save work; very short ones leave the kernel too little. benchmarks/README.md has the measurements.
PIECE_TOKENS = {"cpu": 128, "cuda": 1024}


class Attention(Protocol):
    """How a pack's ancestor mask reaches the attention kernel."""

    implementation: str  # the name transformers knows it by

    def mask(self, pack: Pack, end: Tensor, root: int, dtype: torch.dtype) -> Any:
        """Return what the model takes as `attention_mask`; `end` is the pack's own, on the model's device."""


class SdpaAttention:
    """An additive mask for torch's scaled_dot_product_attention, which takes it piece by piece."""

    implementation = "sdpa"

    def mask(self, pack: Pack, end: Tensor, root: int, dtype: torch.dtype) -> Tensor:
        """Return [1, 1, n, root + n]: 0 where node i may attend, -inf elsewhere."""
        return tree_mask(pack, end, root, dtype, PIECE_TOKENS.get(end.device.type, 1024))


class FlexAttention:
    """A block mask for FlexAttention, which skips blocks where nothing attends."""

    implementation = "flex_attention"

    def mask(self, pack: Pack, end: Tensor, root: int, dtype: torch.dtype) -> Any:
        """Return a BlockMask over [n, root + n]; the kernels do not run blocks that hold no allowed pair."""
        from torch.nn.attention.flex_attention import create_block_mask

        n = len(end)

        def allowed(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
            node = key - root
            return (node < 0) | ((node <= query) & (query < end[node.clamp(min=0)]))

        return create_block_mask(allowed, None, None, n, root + n, device=end.device.type)


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

    @torch.inference_mode()
    def _run_root(self, tokens: Any) -> Any:
        ids = torch.from_numpy(tokens.astype(np.int64)).to(self._model.device)[None]
        return self._model.base_model(input_ids=ids, use_cache=True).past_key_values

"""The ancestor mask of a pack, as a tensor that scaled_dot_product_attention takes piece by piece.

A pack of many questions has a mask that is almost empty: a node attends to the root, its few ancestors and itself.

            root   question 1    question 2         A kernel run over all of it computes the dots too.
    q 1     xxxx   x                                Cut where subtrees begin, each piece of queries needs
            xxxx   xx                               only the keys of the root, of its ancestors above the
            xxxx   x.x                              cut, and its own:
    q 2     xxxx   ...           x                      xxxx x          xxxx x
            xxxx   ...           xx                     xxxx xx         xxxx xx
            xxxx   ...           x.x                    xxxx x.x        xxxx x.x

The tensor itself is the whole mask, so a model that does anything else with it still gets the right answer. Where the
model's rule for a layer is more than causal (`layout.py`), it is asked for the depths of query and key besides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trajectories.scoring.layout import Layout, Question
from trajectories.scoring.requests import Ints


@dataclass(frozen=True)
class Piece:
    """Queries `low … high - 1` of a pack, the keys they need, and the mask between them."""

    low: int
    high: int
    keys: slice | Tensor  # positions among the keys, root included; a slice where they are neighbours
    mask: Tensor  # [1, 1, high - low, keys]

    def to(self, device: torch.device) -> "Piece":
        """Return the piece on a device."""
        keys = self.keys if isinstance(self.keys, slice) else self.keys.to(device)
        return Piece(self.low, self.high, keys, self.mask.to(device))

    def take(self, states: Tensor) -> Tensor:
        """Return the needed keys or values from [batch, heads, root + n, size]."""
        return states[:, :, self.keys] if isinstance(self.keys, slice) else states.index_select(2, self.keys)


class TreeMask(Tensor):
    """An additive [1, 1, n, root + n] mask that knows the pieces it falls into."""

    pieces: Sequence[Piece]
    elsewhere: dict[torch.device, "TreeMask"]  # copies for layers on other devices

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run attention in pieces; every other function sees an ordinary tensor."""
        with torch._C.DisableTorchFunctionSubclass():
            if func is functional.scaled_dot_product_attention:
                return _attention_in_pieces(*args, **(kwargs or {}))
            result = func(*args, **(kwargs or {}))
            if func is Tensor.to and isinstance(args[0], TreeMask) and result.dtype == args[0].dtype:
                return args[0].on(result)
            return result

    def on(self, copy: Tensor) -> "TreeMask":
        """Return this mask on the device of a copy of it, with its pieces; each device gets them once."""
        device = copy.device
        if device == self.device:
            return self
        if device not in self.elsewhere:
            moved = copy.as_subclass(TreeMask)
            moved.pieces, moved.elsewhere = [piece.to(device) for piece in self.pieces], {}
            self.elsewhere[device] = moved
        return self.elsewhere[device]


def tree_mask(layout: Layout, question: Question, piece_tokens: int) -> Tensor:
    """Return the mask of a pack: 0 where node i may attend, -inf elsewhere, shape [1, 1, n, root + n]."""
    mask = whole_mask(layout, question, float("-inf"))
    cuts = cut_points(layout.pack.depth, piece_tokens)
    if len(cuts) <= 1:
        return mask
    pieced = mask.as_subclass(TreeMask)
    pieced.elsewhere = {}
    pieced.pieces = [_piece(layout, question, low, high) for low, high in zip([0, *cuts[:-1]], cuts, strict=True)]
    return pieced


def whole_mask(layout: Layout, question: Question, no: float) -> Tensor:
    """Return the mask in one piece, with `no` where node i may not attend."""
    return _additive(layout, question, 0, len(layout.end), torch.arange(len(layout.depths)).to(layout.end.device), no)


def cut_points(depth: Ints, size: int) -> list[int]:
    """Return where pieces of at most `size` nodes end: in the second half of each, before the shallowest node."""
    cuts, low = [], 0
    while len(depth) - low > size:
        first = low + max(1, size // 2)
        window = depth[first : low + size + 1][::-1]  # reversed: the last of the shallowest, for fuller pieces
        low = first + len(window) - 1 - int(window.argmin())
        cuts.append(low)
    return [*cuts, len(depth)]


def _piece(layout: Layout, question: Question, low: int, high: int) -> Piece:
    # ancestors of node `low`; no other node above is one of a later node
    above, root, device = np.flatnonzero(layout.pack.end[:low] > low), layout.root, layout.end.device
    first, no = int(above[0]) if len(above) else low, float("-inf")
    if root == 0 and len(above) == low - first:
        positions = torch.arange(first, high, device=device)
        return Piece(low, high, slice(first, high), _additive(layout, question, low, high, positions, no))
    own = np.concatenate([np.arange(root), root + above, root + np.arange(low, high)])
    positions = torch.from_numpy(own).to(device, non_blocking=True)
    return Piece(low, high, positions, _additive(layout, question, low, high, positions, no))


def _additive(layout: Layout, question: Question, low: int, high: int, positions: Tensor, no: float) -> Tensor:
    """Return the mask between nodes `low … high - 1` and keys at `positions`; rows padded to 16 for the kernels."""
    device = layout.end.device
    query, node = torch.arange(low, high, device=device)[:, None], positions - layout.root
    allowed = (node < 0) | ((node <= query) & (query < layout.end[node.clamp(min=0)]))
    if question.rule is not None:
        zero = torch.zeros((), dtype=torch.long, device=device)
        allowed &= question.rule(zero, zero, layout.depth[low:high, None], layout.depths[positions][None, :])
    width = -(-len(positions) // 16) * 16
    mask = torch.zeros((high - low, width), dtype=question.dtype, device=device)[:, : len(positions)]
    return mask.masked_fill_(~allowed, no)[None, None]


def _attention_in_pieces(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, *args: Any, **kwargs: Any
) -> Tensor:
    """Do what scaled_dot_product_attention does, one piece of the mask after the other."""
    attention = functional.scaled_dot_product_attention
    if not isinstance(attn_mask, TreeMask):
        return attention(query, key, value, attn_mask, *args, **kwargs)
    batch, heads, n, _ = query.shape
    # laid out as transformers wants it next: [batch, n, heads, size]
    output = query.new_empty((batch, n, heads, value.shape[-1])).transpose(1, 2)
    for piece in attn_mask.pieces:
        part = query[:, :, piece.low : piece.high]
        output[:, :, piece.low : piece.high] = attention(
            part, piece.take(key), piece.take(value), piece.mask, *args, **kwargs
        )
    return output

"""How a pack's ancestor mask reaches an attention kernel: three ways behind one small interface, and which one wins.

All give the same numbers up to float noise. SDPA is the rule; a model that has no SDPA runs its own eager attention
under the whole mask. On a GPU the faster of that and FlexAttention is found by timing a full pack; on a CPU SDPA is
taken, since FlexAttention would have to be compiled there and has no advantage over pieces.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from trajectories.scoring.layout import Layout, MaskMaker, Question
from trajectories.scoring.tree_mask import tree_mask, whole_mask

logger = logging.getLogger(__name__)

# Queries of one call of the attention kernel. A run of nodes attends to its few ancestors and itself, so short runs
# save work; very short ones leave the kernel too little (CPU, packs of 1024: 94 GF/s of the body at 32, 106 at 128,
# 103 at 256, 88 uncut; H200, packs of 8192, share of the matrix rate: 0.21 at 256, 0.28 at 1024, 0.16 uncut).
PIECE_TOKENS = {"cpu": 128, "cuda": 1024}
BLOCK = 128  # FlexAttention's block of queries and keys


class Attention(Protocol):
    """How a pack's ancestor mask reaches the attention kernel."""

    implementation: str  # the name transformers knows it by

    def mask(self, layout: Layout, question: Question) -> Any:
        """Return what the kernel takes as mask of a pack, under the rule of one kind of layer."""


class SdpaAttention:
    """An additive mask for torch's scaled_dot_product_attention, which takes it piece by piece."""

    implementation = "sdpa"

    def mask(self, layout: Layout, question: Question) -> Tensor:
        """Return [1, 1, n, root + n]: 0 where node i may attend, -inf elsewhere."""
        return tree_mask(layout, question, PIECE_TOKENS.get(layout.end.device.type, 1024))


@contextmanager
def without_plans(device: torch.device) -> Iterator[None]:
    """On a GPU keep cuDNN out of SDPA for the block: it makes a plan for every new shape, and in a tree all are new.

    On an H200 the first pass over a tree, the only one there is, takes 4.7 times as long with it under pythia-70m's
    shape and 2.3 times under 1.4b's; a second pass would be 8 % faster.
    """
    enabled: Any = torch.backends.cuda.cudnn_sdp_enabled
    before = device.type == "cuda" and bool(enabled())
    try:
        if before:
            torch.backends.cuda.enable_cudnn_sdp(False)
        yield
    finally:
        if before:
            torch.backends.cuda.enable_cudnn_sdp(True)


class EagerAttention:
    """An additive mask for a model's own matrix products and softmax, where it has no kernel that does the same."""

    implementation = "eager"

    def mask(self, layout: Layout, question: Question) -> Tensor:
        """Return [1, 1, n, root + n]: 0 where node i may attend, the type's least number elsewhere."""
        return whole_mask(layout, question, torch.finfo(question.dtype).min)


class FlexAttention:
    """A block mask for FlexAttention, whose kernels leave out blocks in which nothing attends."""

    implementation = "flex_attention"

    def mask(self, layout: Layout, question: Question) -> Any:
        """Return a BlockMask over [n, root + n]; which blocks are needed is told from `end` without making the mask."""
        from torch.nn.attention.flex_attention import BlockMask

        end, root, depth, depths, rule = layout.end, layout.root, layout.depth, layout.depths, question.rule

        def inside(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
            node = key - root
            below = (node <= query) & (query < end[node.clamp(0, len(end) - 1)])
            return (node < 0) | below

        def allowed(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Any:
            q, k = depth[query.clamp(0, len(depth) - 1)], depths[key.clamp(0, len(depths) - 1)]
            return inside(batch, head, query, key) & rule(batch, head, q, k)  # type: ignore[misc]

        own = layout.pack.end
        counts, indices = (torch.from_numpy(array).to(end.device) for array in needed_blocks(own, root, BLOCK))
        return BlockMask.from_kv_blocks(
            counts[None, None], indices[None, None], BLOCK_SIZE=BLOCK, mask_mod=inside if rule is None else allowed,
            seq_lengths=(len(own), root + len(own)),
        )  # fmt: skip


def needed_blocks(end: np.ndarray[Any, np.dtype[np.int32]], root: int, block: int) -> tuple[Any, Any]:
    """Return how many key blocks each query block needs, shape [q], and which, the needed ones first, shape [q, k].

    Key block K holds something for the queries low … high - 1 when its first key is not after them and the largest
    `end` in it is beyond `low`; a node's `end` bounds the queries below it.
    """
    n = len(end)
    reach = np.concatenate([np.full(root, n), end])  # one past the last query that attends to a key
    keys = np.arange(-root, n)  # as node numbers; the root's are negative
    starts = np.arange(0, root + n, block)
    furthest, first = np.maximum.reduceat(reach, starts), keys[starts]
    low = np.arange(0, n, block)
    needed = (first[None, :] < np.minimum(low + block, n)[:, None]) & (furthest[None, :] > low[:, None])
    order = np.argsort(~needed, axis=1, kind="stable")
    return needed.sum(axis=1).astype(np.int32), order.astype(np.int32)


KINDS: Mapping[str, Callable[[], Attention]] = {"sdpa": SdpaAttention, "eager": EagerAttention, "flex": FlexAttention}


def mask_makers() -> dict[str, MaskMaker]:
    """Return who answers for each attention implementation's mask."""
    return {option.implementation: option.mask for option in (make() for make in KINDS.values())}


def candidates(name: str, device: str, loaded: str = "sdpa", spread: bool = False) -> list[Attention]:
    """Return what `scoring.attention` allows on a device, the one to begin with first.

    `loaded` is the implementation that the model came with: eager where it has no other. A model `spread` over several
    devices takes no block masks, which cannot follow it.
    """
    if name == "flex":
        return [FlexAttention()]
    first: Attention = EagerAttention() if loaded == "eager" else SdpaAttention()
    return [first, FlexAttention()] if name == "auto" and device.startswith("cuda") and not spread else [first]


def faster(
    options: list[Attention], run: Callable[[Attention], Tensor], tolerance: float, repeats: int = 3
) -> Attention:
    """Return the option whose `run` is fastest; one that fails or does not give the first one's result is left out.

    `run` returns log-probabilities and waits for the device; `tolerance` is in nats.
    """
    best, least, expected = options[0], float("inf"), None
    for option in options:
        try:
            result = run(option)  # compiles, and fills caches
            seconds = min(_seconds(run, option) for _ in range(repeats))
        except Exception as error:  # a compiler's errors are of many kinds; SDPA comes first and must work
            if option is options[0]:
                raise
            logger.warning("%s does not run here (%s)", option.implementation, str(error).splitlines()[:1])
            continue
        expected = result if expected is None else expected
        distance = float((result - expected).abs().max())
        logger.info("%s: %.1f ms for a pack, distance %.2g nats", option.implementation, 1e3 * seconds, distance)
        if seconds < least and distance <= tolerance:
            best, least = option, seconds
    return best


def _seconds(run: Callable[[Attention], Tensor], option: Attention) -> float:
    start = time.perf_counter()
    run(option)
    return time.perf_counter() - start

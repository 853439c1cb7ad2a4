"""Proofs that a model may be run as a tree, on packs made for the purpose; none of them depends on which requests come.

    leak        one branch's tokens are changed: no state outside the branch may move
    position    the same branch at the same depth in other places of a pack, and alone: the same states
    agreement   a few requests in a tree and alone: the same log-likelihoods

A leak is a question of bits: the two packs run the same kernels on the same shapes, and what a state does not depend on
cannot move it, in any type. (Mixtures of experts are the exception: a token's experts see other company. How far equal
rows move in other company is measured on plain batches, which cannot leak, and allowed.) So a leak test needs no
tolerance, and half precision hides nothing from it. Position and agreement compare different shapes, whose sums are
added in another order; they are made in float32, or, where a copy in float32 is too large, held against the type's own
noise, rank by rank: how far the plain pass is from itself when every layer's outputs are rounded once more, at random.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers.pytorch_utils import Conv1D

from trajectories.scoring.head import Head
from trajectories.scoring.layout import NoTreeError
from trajectories.scoring.prefix_tree import Pack
from trajectories.scoring.requests import Ints
from trajectories.scoring.scored import POSITION
from trajectories.scoring.synthetic import Fan, draws, fan

logger = logging.getLogger(__name__)
Forward = Callable[[Pack], Tensor]
Forwards = Callable[[Ints], Forward]  # the tokens of a root, kept as a cache, to a forward below it

ROOT = 20  # nodes of the cached root in the proofs
SIZES = (3, 17, 1, 9, 40, 2)  # nodes of the branches: short and long, before and after
QUICK = (5, 2, 12)
RANKS = (0.5, 0.9, 1.0)
OF_NOISE = 3.0  # how many times the type's own noise a rank of distances may be
COMPANY = 4.0  # the same where equal rows move in other company
TELLING = 1e-3  # of the largest number in a state
UNITS = 8.0  # in the last place of the largest number in a state


@dataclass(frozen=True)
class Rows:
    """Plain passes that give what a forward gives: a row per token."""

    model: Any
    head: Head

    @torch.inference_mode()
    def __call__(self, *sequences: Ints) -> Tensor:
        """Return the rows of sequences of one length run as one batch, shape [batch, tokens, size]."""
        ids = torch.from_numpy(np.stack(sequences).astype(np.int64)).to(self.model.device)
        if self.head.whole:
            return self.model(input_ids=ids, use_cache=False).logits  # type: ignore[no-any-return]
        return self.model.base_model(input_ids=ids, use_cache=False).last_hidden_state  # type: ignore[no-any-return]


def still(rows: Rows, alphabet: Ints, limit: int) -> float:
    """Return how far a state that nothing reaches may move: not at all, or a few units in the last place.

    Experts that tokens share are the reason: equal rows in other company are compared on plain batches. What float32
    may lose at its last digits no score shows. In half precision a model without experts has to stand still.
    """
    one, *others = draws(alphabet, (min(60, limit),) * 5, seed=5)
    first, eps = rows(one, others[0])[0], torch.finfo(rows.model.dtype).eps
    moved = max(float(distances(rows(one, other)[0], first).max()) for other in others[1:])
    experts = any("expert" in name for name, _ in rows.model.named_modules())
    floor = UNITS * eps if experts or rows.model.dtype == torch.float32 else 0.0
    return min(max(COMPANY * moved, floor), 4 * UNITS * eps)


def tokens_see_each_other(rows: Rows, alphabet: Ints) -> bool:
    """Tell whether with these weights a token's state depends on the one before it; at step 0 it may not."""
    (tokens,) = draws(alphabet, (3,), seed=6)
    others = np.array([alphabet[alphabet != tokens[0]][:1].sum(), *tokens[1:]], dtype=np.int32)
    return float(distances(rows(others)[0, 1:], rows(tokens)[0, 1:]).max()) > TELLING


def leak(forward: Forward, made: Fan, alphabet: Ints, sets: Sequence[Sequence[int]]) -> float:
    """Return how far a state outside changed branches moves at most, as a part of the largest number in it.

    The branches of each of `sets` are changed together.
    """
    base, worst = forward(made.pack), 0.0
    for branches in sets:
        pack, outside = made.pack, torch.ones(len(base), dtype=torch.bool, device=base.device)
        for branch in branches:
            here = made.places[branch]
            others = alphabet[alphabet != made.pack.tokens[here][0]] if len(alphabet) > 1 else alphabet
            pack = made.changed(branch, others[:: max(1, len(others) // 7)], pack)
            outside[here] = False
        worst = max(worst, float(distances(forward(pack), base)[outside].max()))
    return worst


def every_other(made: Fan) -> list[list[int]]:
    """Return branches in two sets, so that each stands before and after changed ones, short and long."""
    return [list(range(start, len(made.places), 2)) for start in (0, 1)]


def refuse_leak(found: float, most: float, where: str) -> None:
    """Raise `NoTreeError` where states moved by more than they may."""
    if found > most:
        logger.info("a branch moves another's states by %.2g of their size (%s)", found, where)
        raise NoTreeError("changing one branch moves another's states")


def fans(alphabet: Ints, total: int, limit: int) -> list[tuple[str, Ints, Fan]]:
    """Return packs of about `total` nodes, depths below `limit`, with and without a cached root: (name, root, fan)."""
    root, prefix, *branches = draws(alphabet, _within((ROOT, 6, *_sizes(total)), limit), seed=1)
    below = fan(prefix, branches, len(root))
    whole = fan(np.concatenate([root, prefix]), branches)
    return [("below a cached root", root, below), ("without a root", root[:0], whole)]


def quick_fan(alphabet: Ints, limit: int) -> tuple[Ints, Fan]:
    """Return a small pack below a cached root, for the weights of one more checkpoint."""
    root, prefix, *branches = draws(alphabet, _within((ROOT, 2, *QUICK), limit), seed=2)
    return root, fan(prefix, branches, len(root))


def positions(forwards: Forwards, rows: Rows, alphabet: Ints, limit: int) -> tuple[Tensor, Tensor]:
    """Return distances of states in a pack from plain passes, and of plain passes from themselves rounded again."""
    root, prefix, branch, other, long = draws(alphabet, _within((ROOT, 5, 11, 30, 24), limit), seed=3)
    apart: list[Tensor] = []
    noise: list[Tensor] = []
    for start in (root, root[:0]):
        lead = np.concatenate([root[len(start) :], prefix])
        made = fan(lead, [branch, other, branch, long, branch], len(start))
        states, before = forwards(start)(made.pack), len(root) + len(prefix)
        for place, tokens in zip(made.places, (branch, other, branch, long, branch), strict=True):
            whole = np.concatenate([root, prefix, tokens])
            alone = rows(whole)[0]
            apart.append(distances(states[place], alone[before:]))
            with rounded_again(rows.model):
                noise.append(distances(rows(whole)[0, before:], alone[before:]))
    return torch.cat(apart), torch.cat(noise)


@contextmanager
def rounded_again(model: Any) -> Iterator[None]:
    """Move the outputs of every matrix product and embedding by up to half a unit in the last place, at random."""
    draw = torch.Generator(model.device).manual_seed(7)
    half = torch.finfo(model.dtype).eps / 2

    def moved(module: Any, inputs: Any, output: Any) -> Any:
        if not isinstance(output, Tensor):
            return output
        random = torch.rand(output.shape, generator=draw, device=draw.device).to(output.device)
        return (output.float() * (1 + half * (2 * random - 1))).to(output.dtype)

    kinds = (torch.nn.Linear, torch.nn.Embedding, Conv1D)
    handles = [part.register_forward_hook(moved) for part in model.modules() if isinstance(part, kinds)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def refuse_positions(apart: Tensor, noise: Tensor, exact: bool) -> None:
    """Raise `NoTreeError` where a pack's states are not those of plain passes.

    In float32 (`exact`) the distance itself is bounded; else each rank of the distances by the same rank of the noise.
    """
    ranks = torch.tensor(RANKS, dtype=torch.float32, device=apart.device)
    over = torch.quantile(apart, ranks) > OF_NOISE * torch.quantile(noise, ranks)
    if float(apart.max()) > POSITION if exact else bool(over.any()):
        logger.info("states differ by %.2g of their size, noise is %.2g", float(apart.max()), float(noise.max()))
        raise NoTreeError("a sequence's states change with its place")


def distances(one: Tensor, other: Tensor) -> Tensor:
    """Return the largest difference in each row as a part of the row's largest number, shape [rows]; NaN equals NaN."""
    one, other = one.float(), other.float().to(one.device)
    difference = torch.where((one == other) | (one.isnan() & other.isnan()), 0.0, (one - other).abs())
    size = other.abs().nan_to_num(0.0, 0.0, 0.0).amax(-1).clamp(min=torch.finfo(torch.float32).tiny)
    return difference.nan_to_num(nan=torch.inf, posinf=torch.inf).amax(-1) / size


def _within(sizes: Sequence[int], limit: int) -> list[int]:
    """Shorten a root, a prefix and branches so that no depth reaches `limit`, at least one node each."""
    root, prefix, *branches = sizes
    root, prefix = min(root, max(1, limit // 3)), min(prefix, max(1, limit // 8))
    return [root, prefix, *(min(size, max(1, limit - root - prefix)) for size in branches)]


def _sizes(total: int) -> list[int]:
    """Repeat the branches' sizes until they make up `total` nodes."""
    sizes: list[int] = []
    while sum(sizes) < total and len(sizes) < len(SIZES) * 200:
        sizes.append(SIZES[len(sizes) % len(SIZES)])
    return sizes

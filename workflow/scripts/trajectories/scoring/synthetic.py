"""Packs made for proofs: where every branch is known, and one can be changed without touching another.

fan(prefix, branches)     prefix ─┬─ branch 0
                                  ├─ branch 1          in the order given, whatever their tokens
                                  └─ branch 2
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from trajectories.scoring.prefix_tree import Pack
from trajectories.scoring.requests import Ints


@dataclass(frozen=True)
class Fan:
    """A pack of branches that share a prefix; every node is wanted."""

    pack: Pack
    places: tuple[slice, ...]  # the nodes of each branch

    def changed(self, branch: int, tokens: Ints, pack: Pack | None = None) -> Pack:
        """Return the pack, or one changed before, with other tokens in one branch, `tokens` repeated as needed."""
        here, pack = self.places[branch], pack or self.pack
        size = here.stop - here.start
        changed = pack.tokens.copy()
        changed[here] = np.resize(tokens, size)
        return replace(pack, tokens=changed)


def fan(prefix: Ints, branches: Sequence[Ints], root: int = 0) -> Fan:
    """Lay out branches below a prefix, itself below `root` nodes that lie in a cache."""
    sizes = [len(branch) for branch in branches]
    starts = len(prefix) + np.concatenate([[0], np.cumsum(sizes)])
    total = int(starts[-1])
    depth, end = np.arange(total, dtype=np.int32), np.full(total, total, dtype=np.int32)
    for low, high in pairwise(starts):
        depth[low:high] = len(prefix) + np.arange(high - low)
        end[low:high] = high
    tokens = np.concatenate([prefix, *branches]).astype(np.int32)
    every, none = np.arange(total, dtype=np.int32), np.zeros(0, dtype=np.int32)
    pack = Pack(0, 0, tokens, root + depth, end, every, none, none, none)
    places = tuple(slice(int(low), int(high)) for low, high in pairwise(starts))
    return Fan(pack, places)


def draws(alphabet: Ints, sizes: Sequence[int], seed: int) -> list[Ints]:
    """Return sequences of tokens drawn from those that the requests use."""
    draw = np.random.default_rng(seed)
    return [draw.choice(alphabet, size=size).astype(np.int32) for size in sizes]

r"""The prefix tree of sorted requests, and the packs it is cut into.

Each request is a path of *input* nodes (all its tokens but the last, which is only predicted). Requests stand in
sorted order, so a request shares its first `shared[k]` nodes with the one before it and adds the rest:

    request 0   The  sky  is | blue            The ── sky ── is        0 1 2    nodes in order of first use
    request 1   The  sky  is | not  blue                      └─ not   3
    request 2   The  sea  is | wet                  └ sea ── is        4 5

Listed so, the nodes below node `j` are exactly `j … end[j] - 1`, and node `i` may attend to node `j` when

    j <= i < end[j]                      i: 0 1 2 3 4 5
                                     j = 0  x x x x x x     end = 6
                                         1    x x x         end = 4
                                         2      x x         end = 4
                                         3        x         end = 4
                                         4          x x     end = 6
                                         5            x     end = 6

which is its ancestors and itself: with its depth as position id, a node's logits are those of its own sequence run
alone. Two numbers per node, `depth` and `end`, say all of it; the mask is made from them on the device.

A pack is a run of consecutive requests that fits into one forward pass. Nodes that every request shares (`root`) are
run once and kept as a key/value cache; nodes above a cut are run again in the next pack, so cuts are placed where
neighbours share least.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trajectories.scoring.requests import Ints, Longs, Requests


@dataclass(frozen=True)
class PrefixTree:
    """Sorted requests with `shared[k]`, the leading input nodes request `k` has in common with request `k - 1`."""

    requests: Requests
    shared: Longs  # [n], shared[0] == 0
    root: int  # leading nodes common to all requests that go through once; none predicts a counted token

    @property
    def nodes(self) -> int:
        """Number of nodes: input tokens that have to be run when nothing is run twice."""
        return int((self.requests.lengths - 1 - self.shared).sum())

    @property
    def root_tokens(self) -> Ints:
        """The tokens of the root, shape [root]."""
        return self.requests.ids(0)[: self.root] if self.root else np.zeros(0, dtype=np.int32)


@dataclass(frozen=True)
class Pack:
    """One forward pass: `n` nodes below the root, and `e` edges, each a counted token predicted by a node."""

    first: int  # the requests of the pack are first … last - 1
    last: int
    tokens: Ints  # [n]
    depth: Ints  # [n], position ids, counted from the start of the sequence
    end: Ints  # [n], one past the last node below each node
    wanted: Ints  # [w], nodes that predict a counted token, ascending
    row: Ints  # [e], index into `wanted`, ascending
    target: Ints  # [e], the token predicted
    request: Ints  # [e], index into the pack's requests


def build_tree(requests: Requests, least_root: int = 1) -> PrefixTree:
    """Compare each request with the one before it; a root of fewer than `least_root` nodes is not kept apart."""
    n = len(requests)
    shared = np.zeros(n, dtype=np.int64)
    inputs = requests.lengths - 1
    for k in range(1, n):
        most = int(min(inputs[k - 1], inputs[k]))
        differ = np.flatnonzero(requests.ids(k - 1)[:most] != requests.ids(k)[:most])
        shared[k] = differ[0] if differ.size else most
    before_counted = requests.lengths - requests.counted - 1
    root = int(min(shared[1:].min(), before_counted.min())) if n > 1 else 0
    return PrefixTree(requests, shared, root if root >= least_root else 0)


def cut_into_packs(tree: PrefixTree, capacity: int, first: int = 0) -> list[tuple[int, int]]:
    """Return (first, last) request ranges of packs of at most `capacity` nodes below the root, from `first` on.

    A single longer request makes a pack of its own, with those that share most of it: up to half as much again. A pack
    that is at least three quarters full may end early, where the next request shares least with it.
    """
    inputs = tree.requests.lengths - 1 - tree.root
    added = tree.requests.lengths - 1 - np.maximum(tree.shared, tree.root)
    ranges, n = [], len(tree.requests)
    while first < n:
        limit = max(capacity, int(inputs[first]) * 3 // 2)
        sizes = int(inputs[first]) + np.concatenate([[0], np.cumsum(added[first + 1 : first + 1 + limit])])
        full = first + max(1, int(np.searchsorted(sizes, limit, side="right")))
        last = _best_cut(tree, first, full, sizes, limit) if full < n else n
        ranges.append((first, last))
        first = last
    return ranges


def _best_cut(tree: PrefixTree, first: int, full: int, sizes: Longs, capacity: int) -> int:
    earliest = first + max(1, int(np.searchsorted(sizes, capacity * 3 // 4, side="left")))
    candidates = np.arange(min(earliest, full), full + 1)
    # the last of the least: as full a pack as the least sharing allows
    return int(candidates[::-1][np.argmin(tree.shared[candidates][::-1])])


def build_pack(tree: PrefixTree, first: int, last: int) -> Pack:
    """Lay out the nodes and edges of requests `first … last - 1` in the order of the module's picture."""
    requests, root = tree.requests, tree.root
    starts = np.maximum(tree.shared[first:last], root)
    starts[0] = root
    inputs = requests.lengths[first:last] - 1
    fresh = inputs - starts  # nodes each request adds
    offsets = np.concatenate([[0], np.cumsum(fresh)])
    total = int(offsets[-1])
    tokens, depth = np.empty(total, dtype=np.int32), np.empty(total, dtype=np.int32)
    end = np.full(total, total, dtype=np.int32)
    path = np.empty(int(inputs.max()), dtype=np.int32)  # the node at each depth of the current request
    edges: list[tuple[Ints, Ints]] = []
    for index in range(last - first):
        ids, start, length = requests.ids(first + index), int(starts[index]), int(inputs[index])
        low, high = int(offsets[index]), int(offsets[index + 1])
        if index:
            end[path[start : int(inputs[index - 1])]] = low  # what the previous request does not share ends here
        tokens[low:high] = ids[start:length]
        depth[low:high] = np.arange(start, length)
        path[start:length] = np.arange(low, high)
        counted = int(requests.counted[first + index])
        edges.append((path[length - counted : length].copy(), ids[length + 1 - counted :]))
    node = np.concatenate([nodes for nodes, _ in edges])
    by_node = np.argsort(node, kind="stable")
    wanted, row = np.unique(node[by_node], return_inverse=True)
    target = np.concatenate([targets for _, targets in edges])
    request = np.repeat(np.arange(last - first, dtype=np.int32), requests.counted[first:last])
    return Pack(first, last, tokens, depth, end, wanted, row.astype(np.int32), target[by_node], request[by_node])


def chain(tokens: Ints) -> Pack:
    """Return one sequence as a pack without edges; what is wanted of it is its last node."""
    n, none = len(tokens), np.zeros(0, dtype=np.int32)
    order = np.arange(n, dtype=np.int32)
    return Pack(0, 0, tokens, order, np.full(n, n, dtype=np.int32), order[-1:], none, none, none)


def ancestor_mask(end: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Return the [n, n] mask of the module's picture, row = attending node (for tests and for reading)."""
    node = np.arange(len(end))
    return np.asarray((node[None, :] <= node[:, None]) & (node[:, None] < end[None, :]))

"""The prefix tree and its packs, against tries built from dictionaries."""

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trajectories.scoring.prefix_tree import PrefixTree, ancestor_mask, build_pack, build_tree, cut_into_packs
from trajectories.scoring.requests import Requests, build_requests

Path = tuple[int, ...]


@st.composite
def requests(draw: st.DrawFn) -> Requests:
    """Requests over few tokens, so that they share, repeat and contain each other."""
    stem = draw(st.lists(st.integers(0, 3), max_size=6))
    tails = draw(st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=9), min_size=1, max_size=14))
    bare = draw(st.booleans())
    ids = [tail if bare else stem + tail for tail in tails]
    counted = [draw(st.integers(1, len(tail) - 1)) for tail in tails]
    n = len(ids)
    columns = {
        "counted": counted, "task": [0] * n, "question": list(range(n)), "choice": [0] * n, "label": [1] * n,
        "characters": [1] * n,
    }  # fmt: skip
    return build_requests(["task"], ids, columns)


def prefixes(ids: Path) -> list[Path]:
    """Return the paths of all input nodes of one request: every prefix that does not hold the last token."""
    return [ids[:length] for length in range(1, len(ids))]


def path_of(k: int, made: Requests) -> Path:
    return tuple(int(token) for token in made.ids(k))


def all_nodes(made: Requests) -> set[Path]:
    return {path for k in range(len(made)) for path in prefixes(path_of(k, made))}


@given(requests())
def test_requests_are_sorted_and_none_is_lost(made: Requests) -> None:
    paths = [path_of(k, made) for k in range(len(made))]
    assert paths == sorted(paths)
    assert sorted(made.question) == list(range(len(made)))


@given(requests())
def test_the_tree_has_each_distinct_prefix_once(made: Requests) -> None:
    tree = build_tree(made)
    assert tree.nodes == len(all_nodes(made))
    for before, k in pairwise(range(len(made))):
        common = set(prefixes(path_of(before, made))) & set(prefixes(path_of(k, made)))
        assert tree.shared[k] == len(common)


@given(requests())
def test_the_root_is_shared_by_all_and_predicts_nothing_counted(made: Requests) -> None:
    tree = build_tree(made)
    everywhere = set.intersection(*(set(prefixes(path_of(k, made))) for k in range(len(made))))
    first_counted = min(len(path_of(k, made)) - int(made.counted[k]) for k in range(len(made)))
    assert tree.root == (min(len(everywhere), first_counted - 1) if len(made) > 1 else 0)


@given(requests(), st.integers(1, 60))
def test_packs_hold_every_request_once_and_fit(made: Requests, capacity: int) -> None:
    tree = build_tree(made)
    ranges = cut_into_packs(tree, capacity)
    assert [k for first, last in ranges for k in range(first, last)] == list(range(len(made)))
    for first, last in ranges:
        alone = len(path_of(first, made)) - 1 - tree.root  # a longer request takes its siblings along
        assert len(build_pack(tree, first, last).tokens) <= max(capacity, alone * 3 // 2)


@given(requests(), st.integers(1, 60))
def test_nodes_of_a_pack_are_the_distinct_prefixes_of_its_requests(made: Requests, capacity: int) -> None:
    tree = build_tree(made)
    for first, last in cut_into_packs(tree, capacity):
        expected = {path for k in range(first, last) for path in prefixes(path_of(k, made)) if len(path) > tree.root}
        found = node_paths(tree, first, last)
        assert len(found) == len(set(found)) == len(expected)
        assert set(found) == expected


@given(requests(), st.integers(1, 60))
def test_a_node_attends_to_its_ancestors_and_itself_only(made: Requests, capacity: int) -> None:
    tree = build_tree(made)
    for first, last in cut_into_packs(tree, capacity):
        paths = node_paths(tree, first, last)
        expected = [[attending[: len(seen)] == seen for seen in paths] for attending in paths]
        assert np.array_equal(ancestor_mask(build_pack(tree, first, last).end), expected)


@given(requests(), st.integers(1, 60))
def test_edges_are_the_counted_tokens_after_their_own_prefixes(made: Requests, capacity: int) -> None:
    tree = build_tree(made)
    for first, last in cut_into_packs(tree, capacity):
        pack, paths = build_pack(tree, first, last), node_paths(tree, first, last)
        nodes = [paths[pack.wanted[row]] for row in pack.row]
        found = Counter(
            (int(request), node, int(target))
            for request, node, target in zip(pack.request, nodes, pack.target, strict=True)
        )
        expected: Counter[tuple[int, Path, int]] = Counter()
        for k in range(first, last):
            ids = path_of(k, made)
            start = len(ids) - int(made.counted[k])
            expected.update((k - first, ids[:position], ids[position]) for position in range(start, len(ids)))
        assert found == expected


def node_paths(tree: PrefixTree, first: int, last: int) -> list[Path]:
    """Return each node's path, found by following depths: the parent is the nearest earlier node one level up."""
    pack = build_pack(tree, first, last)
    root = path_of(first, tree.requests)[: tree.root]
    paths: list[Path] = []
    at: dict[int, Path] = {tree.root - 1: root}
    for token, depth in zip(pack.tokens, pack.depth, strict=True):
        path = (*at[int(depth) - 1], int(token))
        at[int(depth)] = path
        paths.append(path)
    return paths

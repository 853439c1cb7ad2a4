"""The mask in pieces says what the picture in prefix_tree says, and pieces miss no key."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from trajectories.scoring.layout import Layout, Question
from trajectories.scoring.prefix_tree import Pack, ancestor_mask, build_pack, build_tree, cut_into_packs
from trajectories.scoring.requests import build_requests
from trajectories.scoring.tree_mask import TreeMask, cut_points, tree_mask

SEQUENCES = st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=12), min_size=1, max_size=20)


def pack_of(sequences: list[list[int]]) -> Pack:
    ones = [1] * len(sequences)
    columns = dict.fromkeys(("counted", "task", "choice", "label", "characters"), ones)
    requests = build_requests(["a", "b"], sequences, columns | {"question": list(range(len(sequences)))})
    tree = build_tree(requests)
    return build_pack(type(tree)(requests, tree.shared, 0), 0, len(requests))


def layout_of(pack: Pack, root: int) -> Layout:
    depths = np.concatenate([np.arange(root), root + pack.depth])
    return Layout(pack, root, torch.from_numpy(pack.end), torch.from_numpy(depths))


def plain_mask(pack: Pack, root: int) -> torch.Tensor:
    allowed = np.concatenate([np.ones((len(pack.end), root), dtype=bool), ancestor_mask(pack.end)], axis=1)
    return torch.where(torch.from_numpy(allowed), 0.0, float("-inf"))[None, None]


@settings(max_examples=60, deadline=None)
@given(SEQUENCES, st.integers(0, 5), st.integers(1, 9))
def test_attention_in_pieces_is_attention_under_the_whole_mask(
    sequences: list[list[int]], root: int, piece: int
) -> None:
    pack = pack_of(sequences)
    mask = tree_mask(layout_of(pack, root), Question(None, torch.float32), piece)
    expected = plain_mask(pack, root)
    assert torch.equal(mask + torch.zeros(1), expected)  # whatever else is done with it, it is the whole mask
    draw = torch.Generator().manual_seed(1)
    n = len(pack.end)
    query = torch.randn(1, 2, n, 8, generator=draw)
    key, value = (torch.randn(1, 2, root + n, 8, generator=draw) for _ in range(2))
    attention = functional.scaled_dot_product_attention
    found = attention(query, key, value, attn_mask=mask)
    assert type(found) is torch.Tensor
    torch.testing.assert_close(found, attention(query, key, value, attn_mask=expected), atol=5e-6, rtol=0)


@given(SEQUENCES, st.integers(1, 9))
def test_pieces_cover_all_nodes_within_their_size(sequences: list[list[int]], size: int) -> None:
    depth = pack_of(sequences).depth
    cuts = cut_points(depth, size)
    assert cuts[-1] == len(depth)
    assert all(0 < length <= size for length in np.diff([0, *cuts]))


def test_a_piece_needs_fewer_keys_than_the_pack() -> None:
    pack = pack_of([[question, *[0] * 6, choice] for question in range(6) for choice in range(2)])
    mask = tree_mask(layout_of(pack, 3), Question(None, torch.float32), 9)
    assert isinstance(mask, TreeMask)
    assert max(piece.mask.shape[-1] for piece in mask.pieces) <= 3 + 9
    assert len(pack.end) == 42


@pytest.mark.parametrize("capacity", [8, 12])
def test_a_long_request_keeps_its_siblings(capacity: int) -> None:
    """Two choices after a context longer than a pack: run it once, not once per choice."""
    sequences = [[question, *[7] * 20, choice] for question in range(4) for choice in range(2)]
    ones = [1] * len(sequences)
    columns = dict.fromkeys(("counted", "task", "question", "choice", "label", "characters"), ones)
    tree = build_tree(build_requests(["a", "b"], sequences, columns))
    assert cut_into_packs(tree, capacity) == [(0, 2), (2, 4), (4, 6), (6, 8)]

"""Logits made block by block give the log-softmax and the argmax of the whole, ties included."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trajectories.scoring import head as module
from trajectories.scoring.head import Head, edge_scores
from trajectories.scoring.prefix_tree import Pack

VOCABULARY, HIDDEN = 50, 8


def pack_of(row: list[int], target: list[int]) -> Pack:
    nothing, order = np.zeros(0, dtype=np.int32), np.argsort(row, kind="stable")
    rows, targets = (np.array(values, dtype=np.int32)[order] for values in (row, target))
    return Pack(0, 1, nothing, nothing, nothing, np.arange(max(row) + 1, dtype=np.int32), rows, targets, nothing)


def head_with_ties(bias: bool) -> nn.Linear:
    """Columns 3, 17 and 40 are equal and large; so are 20 and 21, in one block."""
    torch.manual_seed(0)
    head = nn.Linear(HIDDEN, VOCABULARY, bias=bias)
    with torch.no_grad():
        head.weight[[17, 40]] = head.weight[3].clone()
        head.weight[21] = head.weight[20].clone()
        if bias:
            head.bias[[3, 17, 40]] = 2.0
            head.bias[[20, 21]] = 2.0
    return head


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, VOCABULARY - 1)), min_size=1, max_size=30),
    st.sampled_from([1, 7, 16, 64]),
    st.booleans(),
)
def test_blocks_equal_the_whole(edges: list[tuple[int, int]], columns: int, bias: bool) -> None:
    edges = [*edges, *((row, token) for row in range(6) for token in (3, 17, 20, 21, 40))]
    pack = pack_of([row for row, _ in edges], [token for _, token in edges])
    head, hidden = head_with_ties(bias), torch.randn(6, HIDDEN, generator=torch.Generator().manual_seed(len(edges)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LOGIT_BYTES", {"cpu": 1})
        patch.setattr(module, "LEAST_COLUMNS", columns)
        logprob, greedy = edge_scores(Head(head), hidden, pack, "float32")
    whole = head(hidden).detach()
    row, target = (torch.from_numpy(array).long() for array in (pack.row, pack.target))
    torch.testing.assert_close(logprob, whole.double().log_softmax(-1)[row, target].float(), atol=1e-5, rtol=0)
    assert ((whole.argmax(-1)[row] == target) == greedy).all()


def test_a_head_of_another_kind_is_called_as_it_is() -> None:
    head = head_with_ties(bias=True)

    class Capped(nn.Module):
        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            return torch.tanh(head(hidden))

    pack, hidden = pack_of([0, 1, 1], [3, 4, 5]), torch.randn(2, HIDDEN, generator=torch.Generator().manual_seed(1))
    logprob, _ = edge_scores(Head(Capped()), hidden, pack, "float32")
    expected = torch.tanh(head(hidden)).log_softmax(-1)[[0, 1, 1], [3, 4, 5]]
    torch.testing.assert_close(logprob, expected.detach(), atol=1e-6, rtol=0)

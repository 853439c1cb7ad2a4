"""Block masks leave out nothing that is needed, FlexAttention scores as SDPA does, and the choice is a careful one."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from support.models import random_model, tokenizer
from trajectories import Question
from trajectories.scoring import attention
from trajectories.scoring.attention import Attention, FlexAttention, SdpaAttention, candidates, faster, needed_blocks
from trajectories.scoring.encode import encode
from trajectories.scoring.engine import Engine
from trajectories.scoring.prefix_tree import ancestor_mask, build_pack, build_tree
from trajectories.scoring.requests import Requests, build_requests
from trajectories.study.protocol import Protocol

QUESTIONS = [
    Question(f"Two plus {first} is four. {second} plus five is", (" eight", " four", " three and one"), (1, 0, 0))
    for first in ("two", "one", "five")
    for second in ("Three", "One")
]


def requests_of(questions: list[Question]) -> Requests:
    return encode({"t": questions}, {"t": ""}, tokenizer(), Protocol())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 2), min_size=2, max_size=12), min_size=2, max_size=12),
    st.integers(0, 5),
    st.integers(1, 6),
)
def test_needed_blocks_are_those_with_an_allowed_pair(sequences: list[list[int]], root: int, block: int) -> None:
    names = ("counted", "task", "question", "choice", "label", "characters")
    tree = build_tree(build_requests(["a", "b"], sequences, dict.fromkeys(names, [1] * len(sequences))))
    end = build_pack(type(tree)(tree.requests, tree.shared, 0), 0, len(sequences)).end
    n = len(end)
    allowed = np.concatenate([np.ones((n, root), dtype=bool), ancestor_mask(end)], axis=1)
    counts, order = needed_blocks(end, root, block)
    for query in range(len(counts)):
        rows = allowed[query * block : (query + 1) * block]
        holding = {k for k in range(order.shape[1]) if rows[:, k * block : (k + 1) * block].any()}
        named = set(order[query, : counts[query]].tolist())
        assert holding <= named
        # what is named without holding anything can only come from the two bounds being met by different keys
        assert all(k * block - root < (query + 1) * block for k in named)


@pytest.mark.parametrize("kind", ["gpt_neox", "llama"])
def test_flex_scores_as_sdpa_does(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requests_of(QUESTIONS)
    model = random_model(kind)
    expected = Engine(model, pack_tokens=40, attention="sdpa").score(requests)
    monkeypatch.setattr(attention, "BLOCK", 16)
    with torch.compiler.set_stance("force_eager"):
        engine = Engine(model, pack_tokens=40, attention="flex")
        found = engine.score(requests)
    assert engine.attention_used == "flex_attention"
    np.testing.assert_allclose(found.loglikelihood, expected.loglikelihood, atol=1e-4)
    assert (found.is_greedy == expected.is_greedy).all()


def test_auto_is_sdpa_on_a_cpu_and_a_choice_on_a_gpu() -> None:
    assert [option.implementation for option in candidates("auto", "cpu")] == ["sdpa"]
    assert [option.implementation for option in candidates("auto", "cuda:0")] == ["sdpa", "flex_attention"]
    assert [option.implementation for option in candidates("flex", "cpu")] == ["flex_attention"]


def test_the_choice_leaves_out_what_fails_or_differs() -> None:
    sdpa, flex = SdpaAttention(), FlexAttention()

    def failing(option: object) -> torch.Tensor:
        if option is flex:
            raise ValueError("no compiler")
        return torch.zeros(3)

    assert faster([sdpa, flex], failing, 1.0) is sdpa
    assert faster([sdpa, flex], lambda option: torch.full((3,), float(option is flex)), 0.5) is sdpa


def second(options: list[Attention], run: Callable[[Attention], torch.Tensor], tolerance: float) -> Attention:
    assert torch.allclose(run(options[0]), run(options[1]), atol=1e-4)
    return options[1]


def test_an_engine_with_a_choice_decides_on_the_first_full_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requests_of(QUESTIONS)
    engine = Engine(random_model("gpt_neox"), pack_tokens=40)
    expected = engine.score(requests)
    engine.options = [SdpaAttention(), FlexAttention()]
    monkeypatch.setattr("trajectories.scoring.engine.faster", second)
    with torch.compiler.set_stance("force_eager"):
        small = requests.rows(np.arange(2))
        engine.score(small)
        assert len(engine.options) == 2, "a pack that is not full decides nothing"
        found = engine.score(requests)
    assert engine.attention_used == "flex_attention"
    np.testing.assert_allclose(found.loglikelihood, expected.loglikelihood, atol=1e-4)

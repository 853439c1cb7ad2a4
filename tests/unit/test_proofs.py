"""Whatever is wrong with the way a tree is run, in whatever type, one of the proofs sees it and scores are plain."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from support.models import random_model, tokenizer
from trajectories import Question
from trajectories.scoring import forward, tree_mask
from trajectories.scoring.check import Known, trusted
from trajectories.scoring.encode import encode
from trajectories.scoring.engine import Engine
from trajectories.scoring.layout import Layout
from trajectories.scoring.plain import PlainEngine
from trajectories.scoring.requests import Requests
from trajectories.scoring.synthetic import draws, fan
from trajectories.study.protocol import Protocol

TYPES = [torch.float32, torch.bfloat16, torch.float16]


def requests() -> Requests:
    """Requests that share nothing but their first word, so that nothing about them could show a leak."""
    texts = ("The sky is blue and the sea is", "A fox jumps over the", "Two plus two is")
    return encode({"t": [Question(text, (" wide", " green"), (1, 0)) for text in texts]}, {"t": ""}, tokenizer(),
                  Protocol())  # fmt: skip


def plain_reason(model: Any) -> str:
    engine = trusted(Engine(model, pack_tokens=64), requests())
    assert isinstance(engine, PlainEngine)
    return engine.reason


def changed_layouts(change: Callable[[Layout], Layout], patch: pytest.MonkeyPatch) -> None:
    patch.setattr(forward, "Layout", lambda *args: change(Layout(*args)))


def forget_rules(patch: pytest.MonkeyPatch) -> None:
    """Mask as if every layer saw all that came before."""
    made = tree_mask._additive
    patch.setattr(tree_mask, "_additive", lambda layout, asked, *args: made(layout, replace(asked, rule=None), *args))


@pytest.mark.parametrize("dtype", TYPES)
def test_a_mask_that_lets_branches_see_each_other_is_a_leak(dtype: torch.dtype, monkeypatch: Any) -> None:
    changed_layouts(lambda made: replace(made, end=torch.full_like(made.end, len(made.end))), monkeypatch)
    assert "changing one branch moves another's states" in plain_reason(random_model("llama").to(dtype))


@pytest.mark.parametrize("dtype", TYPES)
def test_depths_counted_along_the_pack_are_another_place(dtype: torch.dtype, monkeypatch: Any) -> None:
    def along(made: Layout) -> Layout:
        return replace(made, depths=torch.arange(len(made.depths), dtype=made.depths.dtype))

    changed_layouts(along, monkeypatch)
    assert "states change with its place" in plain_reason(random_model("gpt_neox").to(dtype))


@pytest.mark.parametrize("dtype", TYPES)
def test_a_window_that_is_not_kept_to_is_seen(dtype: torch.dtype, monkeypatch: Any) -> None:
    forget_rules(monkeypatch)
    assert "states change with its place" in plain_reason(random_model("mistral").to(dtype))


@pytest.mark.parametrize("dtype", TYPES)
def test_a_large_half_precision_model_is_held_against_its_own_noise(dtype: torch.dtype, monkeypatch: Any) -> None:
    monkeypatch.setattr("trajectories.scoring.check.COPIED", 0)
    assert isinstance(trusted(Engine(random_model("llama").to(dtype), pack_tokens=64), requests()), Engine)
    forget_rules(monkeypatch)
    assert "states change with its place" in plain_reason(random_model("mistral").to(dtype))


def test_a_checkpoint_that_hides_a_leak_is_not_believed_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    changed_layouts(lambda made: replace(made, end=torch.full_like(made.end, len(made.end))), monkeypatch)
    first, known = random_model("llama"), Known()
    with torch.no_grad():
        for layer in first.model.layers:
            layer.self_attn.o_proj.weight.zero_()  # as a checkpoint of step 0 may have it
    assert isinstance(trusted(Engine(first, pack_tokens=64), requests(), known), Engine)
    assert isinstance(trusted(Engine(random_model("llama"), pack_tokens=64), requests(), known), PlainEngine)


def test_what_is_known_is_not_proven_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Known()
    trusted(Engine(random_model("gpt_neox"), pack_tokens=64), requests(), known)
    runs: list[int] = []
    run = forward.TreeForward.__call__

    def counted(self: forward.TreeForward, pack: Any) -> torch.Tensor:
        runs.append(len(pack.tokens))
        return run(self, pack)

    monkeypatch.setattr(forward.TreeForward, "__call__", counted)
    engine = Engine(random_model("gpt_neox", seed=1), pack_tokens=64)
    assert trusted(engine, requests(), known) is engine
    assert len(runs) == 2
    trusted(engine, requests(), known)
    assert len(runs) == 2, "one leak test per checkpoint"


def test_a_fan_is_laid_out_as_its_picture_says() -> None:
    prefix, *branches = draws(np.arange(9, dtype=np.int32), (2, 3, 1), seed=0)
    made = fan(prefix, branches, root=4)
    assert made.pack.depth.tolist() == [4, 5, 6, 7, 8, 6]
    assert made.pack.end.tolist() == [6, 6, 5, 5, 5, 6]
    assert made.places == (slice(2, 5), slice(5, 6))
    changed = made.changed(0, np.array([7, 8], dtype=np.int32))
    assert changed.tokens.tolist() == [*prefix, 7, 8, 7, *branches[1]]

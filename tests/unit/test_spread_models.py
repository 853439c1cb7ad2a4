"""A model spread over devices scores as it does on one. The devices are pretended: CPU under other names, and meta."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import dispatch_model

from support.models import random_model, tokenizer
from trajectories import Question
from trajectories.errors import UserError
from trajectories.scoring.attention import SdpaAttention, candidates
from trajectories.scoring.check import trusted
from trajectories.scoring.encode import encode
from trajectories.scoring.engine import Engine
from trajectories.scoring.forward import TreeForward
from trajectories.scoring.head import Head
from trajectories.scoring.load import placement, refuse_offloaded
from trajectories.scoring.prefix_tree import build_pack, build_tree
from trajectories.scoring.requests import Requests
from trajectories.scoring.tree_mask import TreeMask
from trajectories.study.protocol import Protocol

QUESTIONS = [
    Question(f"Two plus two is four. The {thing} is", (" blue", " wide and green"), (1, 0))
    for thing in ("sky", "sea", "grass", "fox", "dog")
]


@pytest.fixture(scope="module")
def requests() -> Requests:
    return encode({"t": QUESTIONS}, {"t": ""}, tokenizer(), Protocol())


def spread(kind: str, second: str) -> Any:
    """Put a model's first layer on the CPU, all that follows on a second device, as accelerate does with GPUs."""
    model = random_model(kind)
    places = {"model.embed_tokens": "cpu", "model.rotary_emb": "cpu", "model.layers.0": "cpu",
              "model.layers.1": second, "model.norm": second, "lm_head": second}  # fmt: skip
    return dispatch_model(model, places, main_device="cpu", force_hooks=True)


@pytest.mark.parametrize("kind", ["llama", "mistral"])
def test_scores_are_those_of_one_device(kind: str, requests: Requests) -> None:
    expected = Engine(random_model(kind), pack_tokens=200).score(requests)
    engine = trusted(Engine(spread(kind, "cpu"), pack_tokens=200), requests)
    assert isinstance(engine, Engine)
    np.testing.assert_array_equal(engine.score(requests).loglikelihood, expected.loglikelihood)


def test_a_pack_goes_on_where_the_next_layer_lies(requests: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trajectories.scoring.attention.PIECE_TOKENS", {"cpu": 8})
    model, tree = spread("llama", "meta"), build_tree(requests)
    masks: list[TreeMask] = []
    move = TreeMask.on
    monkeypatch.setattr(TreeMask, "on", lambda self, copy: masks.append(move(self, copy)) or masks[-1])
    head = Head(model.lm_head)
    pack = build_pack(tree, 0, len(requests))
    made = TreeForward(model, tree.root_tokens, SdpaAttention(), head)(pack)
    assert made.shape == (len(pack.wanted), model.config.hidden_size)
    there = [mask for mask in masks if mask.device.type == "meta"]
    assert there
    assert all(piece.mask.device.type == "meta" for mask in there for piece in mask.pieces)


def test_layers_are_spread_only_over_several_gpus() -> None:
    assert placement("cuda", 2) == "auto"
    assert placement("cuda", 1) == {"": "cuda"}
    assert placement("cpu", 2) == {"": "cpu"}


def test_a_model_that_does_not_fit_is_refused_rather_than_put_aside() -> None:
    places = {"model.embed_tokens": 0, "model.layers.0": 1, "model.layers.1": "cpu", "lm_head": "disk"}
    with pytest.raises(UserError, match=r"lm_head and 1 more do not fit into the GPUs; raise scoring.gpus"):
        refuse_offloaded(Path("checkpoint"), places, "cuda")
    refuse_offloaded(Path("checkpoint"), {"": torch.device("cpu")}, "cpu")


def test_block_masks_are_left_out_where_they_cannot_follow() -> None:
    assert [option.implementation for option in candidates("auto", "cuda:0", spread=True)] == ["sdpa"]

"""Every causal architecture of the installed transformers scores as its plain passes do, or is refused in one line.

A spread of them runs always, all of them with `pytest -m slow`. The list is transformers' own, so a new one is seen.
"""

from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from support.architectures import architectures, tiny_model
from support.models import WINDOW, tokenizer
from trajectories import Question
from trajectories.errors import UserError
from trajectories.scoring.check import trusted
from trajectories.scoring.encode import encode
from trajectories.scoring.engine import Engine
from trajectories.scoring.requests import Requests
from trajectories.scoring.ways import window
from trajectories.study.protocol import Protocol

PREAMBLE = "A stitch in time saves nine. Two plus two is four. The sky is blue. "
SETS = {
    "one long among short": [
        Question("The sky is", (" blue", " blue sky is wide", " green"), (1, 0, 0)),
        Question("The sky is blue", (" sky", " wide"), (0, 1)),
        Question("naïve café", (" ☃ snowman", " naïve"), (0, 1)),
        Question("Two plus two is four. Three plus five is", (" eight", " four"), (1, 0)),
        Question("A stitch in time saves nine. " * 30, (" Absence", " yes, no."), (1, 0)),
    ],
    "a shared preamble": [
        Question(f"{PREAMBLE}The {thing} is", (" blue", " green"), (1, 0)) for thing in ("sky", "sea", "grass")
    ],
}
SPREAD = {
    "gpt2": "tree", "gpt_neox": "tree", "opt": "tree", "bloom": "tree", "mpt": "tree", "falcon": "tree",
    "cohere": "tree", "mixtral": "tree", "gemma2": "windows", "gpt_oss": "windows", "llama4_text": "windows",
    "bamba": "plain", "mamba": "plain",
}  # fmt: skip
# which cannot be made from their own config, or lack a package: nothing of ours is reached
UNMADE = ("blt", "dbrx", "dots3_note", "dots3_note_text", "gemma3n", "gemma4_assistant", "gemma4_unified_assistant",
          "qwen4_exp", "musicgen", "musicgen_melody", "zamba")  # fmt: skip
REFUSED = ("cpmant", "reformer", "xlm", "xlnet")


def plain(model: Any, requests: Requests) -> npt.NDArray[np.float64]:
    scores = np.zeros(len(requests))
    for k in range(len(requests)):
        ids, counted = torch.from_numpy(requests.ids(k).astype(np.int64)), int(requests.counted[k])
        with torch.no_grad():
            logits = model(input_ids=ids[None, :-1], use_cache=False).logits[0, -counted:].double()
        scores[k] = float(logits.log_softmax(-1).gather(-1, ids[-counted:, None]).sum())
    return scores


def _runs_here(model: Any) -> None:
    """Skip what transformers itself cannot run in this type: nothing of ours is reached."""
    try:
        with torch.no_grad():
            model(input_ids=torch.ones((1, 4), dtype=torch.long), use_cache=False)
    except RuntimeError as error:
        pytest.skip(f"transformers does not run it in {model.dtype}: {error}")


def worst(kind: str, dtype: torch.dtype) -> tuple[float, float, set[str]]:
    """Return the largest difference from plain passes, that of the type itself from float32, and the ways taken."""
    exact = tiny_model(kind)
    model = exact if dtype == torch.float32 else deepcopy(exact).to(dtype)
    _runs_here(model)
    differs, noise, ways = 0.0, 0.0, set()
    for questions in SETS.values():
        requests = encode({"t": questions}, {"t": ""}, tokenizer(), Protocol()).within(min(WINDOW, window(model)))
        expected = plain(model, requests)
        noise = max(noise, float(np.abs(expected - plain(exact, requests)).max()))
        for pack_tokens in (40, 1024):
            engine = trusted(Engine(deepcopy(model), pack_tokens=pack_tokens), requests)
            scored = engine.score(requests)
            differs = max(differs, float(np.abs(scored.loglikelihood - expected).max()))
            ways.add(scored.way)
    return differs, noise, ways


@pytest.mark.parametrize(("kind", "way"), SPREAD.items())
def test_a_spread_of_architectures_scores_as_plain_passes_do(kind: str, way: str) -> None:
    differs, _, ways = worst(kind, torch.float32)
    assert differs < 1e-4
    assert way in ways


@pytest.mark.parametrize("kind", ["gpt_neox", "gemma2", "bamba"])
def test_half_precision_stays_within_its_own_noise(kind: str) -> None:
    differs, noise, _ = worst(kind, torch.bfloat16)
    assert differs < 2 * noise


def test_a_model_that_sees_what_comes_later_is_refused() -> None:
    requests = encode({"t": SETS["a shared preamble"]}, {"t": ""}, tokenizer(), Protocol())
    engine = Engine(tiny_model("bert", changes={"is_decoder": False}))
    with pytest.raises(UserError, match="BertLMHeadModel is not causal"):
        trusted(engine, requests)


@pytest.mark.sweep
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("kind", architectures())
def test_every_architecture_is_exact_or_refused(kind: str, dtype: torch.dtype) -> None:
    if kind in UNMADE:
        pytest.skip("transformers does not make it from its own config")
    if kind in REFUSED:
        with pytest.raises(UserError, match=r"not causal|other numbers in every pass"):
            worst(kind, dtype)
        return
    differs, noise, _ = worst(kind, dtype)
    assert differs < (1e-4 if dtype == torch.float32 else 3 * noise)

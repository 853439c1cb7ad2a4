"""What is proven of architectures on this device, in half precision, and how far their scores are from plain passes."""

import time
from typing import Any

import numpy as np

from common.generated import Outline, requests_of
from common.work import synchronise

VOCABULARY = 8000
OUTLINE = Outline("proofs", 12, 60, 30, 3, 4)
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY, "hidden_size": 512, "num_hidden_layers": 6, "num_attention_heads": 8,
    "num_key_value_heads": 4, "intermediate_size": 1024, "max_position_embeddings": 2048, "head_dim": 64,
    "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0,
}  # fmt: skip
WINDOW = {"sliding_window": 32}
EXPERTS = {"num_local_experts": 8, "num_experts_per_tok": 2}
MIXED = ["linear_attention", "full_attention"] * 3
# One of each kind: attention over all, windows, caps and sinks (eager or FlexAttention), ALiBi, experts, states.
KINDS: dict[str, dict[str, Any]] = {
    "llama": SIZES,
    "mistral": SIZES | WINDOW,
    "gemma2": SIZES | WINDOW,
    "gpt_oss": SIZES | WINDOW | EXPERTS,
    "bloom": {"vocab_size": VOCABULARY, "hidden_size": 512, "n_layer": 6, "n_head": 8},
    "mixtral": SIZES | EXPERTS,
    "bamba": SIZES | {"attn_layer_indices": [1, 3, 5], "mamba_n_heads": 16, "mamba_d_head": 64, "mamba_n_groups": 1},
    "qwen3_next": SIZES | {"layer_types": MIXED, "num_experts": 8, "num_experts_per_tok": 2},
}
TINY = {
    "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 64, "head_dim": 16, "num_attention_heads": 4,
    "mamba_n_heads": 4, "mamba_d_head": 32, "attn_layer_indices": [1],
}  # fmt: skip


def proven(kind: str, dtype: str, device: str, tiny: bool = False) -> dict[str, Any]:
    """Return the way a random model of a kind is run, the proofs' figures, and its distance from plain passes.

    `noise` is how far plain passes in `dtype` are from plain passes in float32: what the type itself costs.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from trajectories.scoring.check import trusted
    from trajectories.scoring.engine import Engine
    from trajectories.scoring.plain import PlainEngine

    sizes = KINDS[kind] | ({key: value for key, value in TINY.items() if key in KINDS[kind]} if tiny else {})
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **sizes)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config).eval().to(getattr(torch, dtype))
    requests = requests_of(OUTLINE, VOCABULARY, seed=0, questions=4 if tiny else OUTLINE.questions)
    engine = Engine(model, pack_tokens=256 if tiny else 8192)
    synchronise(device)
    start = time.perf_counter()
    made = trusted(engine, requests)
    synchronise(device)
    seconds = time.perf_counter() - start
    scored, plain = made.score(requests), PlainEngine(model, engine.head).score(requests)
    exact = PlainEngine(model.float(), engine.head).score(requests)
    return {
        "kind": kind, "dtype": dtype, "way": scored.way, "attention": engine.attention_used, "seconds": seconds,
        "proofs": dict(scored.proofs), "noise": _apart(plain, exact), "distance": _apart(scored, plain),
    }  # fmt: skip


def _apart(one: Any, other: Any) -> float:
    return float(np.abs(one.loglikelihood - other.loglikelihood).max())

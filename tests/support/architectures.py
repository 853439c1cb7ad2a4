"""A tiny random model of every causal architecture that the installed transformers has, made from its own registry."""

import math
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from support.models import WINDOW

VOCABULARY, HIDDEN, HEADS, WIDE = 416, 48, 4, 96
# What sizes are called; a config is asked for those of its own keys that stand here.
SIZES: dict[str, int] = {
    **dict.fromkeys(("vocab_size", "vocab_size_per_layer_input"), VOCABULARY),
    **dict.fromkeys(("hidden_size", "n_embd", "d_model", "dim", "word_embed_dim", "hidden_dim", "embedding_size",
                     "input_embedding_size", "cross_attention_hidden_size", "emb_dim", "lru_width"), HIDDEN),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers", "encoder_layers",
                     "num_decoder_layers", "num_encoder_layers", "layers"), 2),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads", "decoder_attention_heads",
                     "encoder_attention_heads", "num_decoder_attention_heads", "num_encoder_attention_heads",
                     "attention_heads"), HEADS),
    **dict.fromkeys(("num_key_value_heads", "num_global_key_value_heads", "n_head_kv", "num_kv_heads"), 2),
    **dict.fromkeys(("intermediate_size", "n_inner", "ffn_dim", "d_inner", "decoder_ffn_dim", "encoder_ffn_dim",
                     "d_ff", "ffn_hidden_size", "feed_forward_size", "block_ff_dim", "dff"), WIDE),
    **dict.fromkeys(("moe_intermediate_size", "expert_ffn_hidden_size", "shared_expert_intermediate_size",
                     "shared_intermediate_size", "intermediate_size_mlp", "moe_shared_expert_intermediate_size"), 32),
    **dict.fromkeys(("head_dim", "global_head_dim", "swa_head_dim", "attention_head_dim", "kv_channels"), 12),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "context_length",
                     "max_sequence_length", "max_target_positions"), WINDOW),
    **dict.fromkeys(("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts",
                     "num_routed_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "moe_topk", "moe_k", "top_k_experts", "moe_top_k",
                     "num_experts_per_token"), 2),
    **dict.fromkeys(("sliding_window", "attention_window_size", "window_size", "attention_chunk_size"), 8),
    **dict.fromkeys(("n_group", "topk_group", "num_expert_groups"), 1),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank"), 24),
    **dict.fromkeys(("qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim", "index_head_dim"), 12),
    "qk_head_dim": 24, "index_n_heads": 2, "index_topk": 16, "rotary_dim": 8, "query_pre_attn_scalar": 12,
    "hidden_size_per_layer_input": 16, "num_kv_shared_layers": 0, "first_k_dense_replace": 1, "chunk_size": 16,
    "mamba_chunk_size": 16, "mamba_d_state": 8, "state_size": 8, "mamba_d_ssm": 96, "ssm_state_size": 8,
    "mamba_n_heads": 4, "mamba_d_head": 24, "mamba_n_groups": 1, "mamba_num_heads": 4, "mamba_head_dim": 24,
    "n_groups": 1, "time_step_rank": 4, "mamba_dt_rank": 4, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
    "linear_key_head_dim": 12, "linear_value_head_dim": 12, "attention_hidden_size": HIDDEN, "block_size": 16,
    "num_codebooks": 1, "type_vocab_size": 2, "num_nextn_predict_layers": 0, "mtp_num_hidden_layers": 0,
}  # fmt: skip
# not sizes, and not matrices to be drawn anew: they would make states overflow
KEPT = ("A_log", "dt_", ".D", "conv1d", "time_", "position", "inv_freq", "slope")


def architectures() -> list[str]:
    """Return every model type that transformers makes a causal language model of."""
    return sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def tiny_config(kind: str, changes: dict[str, Any] | None = None) -> Any:
    """Return the config of a small model of a kind."""
    return _shrunk(CONFIG_MAPPING[kind], SPECIAL.get(kind, {}) | (changes or {}))


def tiny_model(kind: str, seed: int = 0, changes: dict[str, Any] | None = None) -> Any:
    """Return a model with random weights large enough that attention matters."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(tiny_config(kind, changes))
    draw = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if any(part in name for part in KEPT) or "vision" in name or "audio" in name:
                continue
            if weight.ndim >= 2:
                scale = (
                    0.7
                    if "embed" in name or name.endswith(("wte.weight", "wpe.weight"))
                    else 1.5 / math.sqrt(weight.shape[-1])
                )
                weight.copy_(torch.randn(weight.shape, generator=draw) * scale)
            else:
                weight.add_(torch.randn(weight.shape, generator=draw) * 0.1)
    return model.eval().float()


def _shrunk(make: Any, changes: dict[str, Any]) -> Any:
    """Return a config in which every key that names a size has a small one, and each kind of layer is there once."""
    default = make()
    known = default.to_dict()
    sizes: dict[str, Any] = {key: value for key, value in SIZES.items() if key in known and _may_be(key, known[key])}
    kinds = _kinds(known.get("layer_types"))
    layers = changes.get("num_hidden_layers", len(kinds) or 2)
    sizes |= {key: layers for key in LAYERS if key in sizes}
    for key, value in known.items():
        part = getattr(default, key, None) if key.endswith("_config") and key != "per_layer_config" else None
        if isinstance(value, list) and key in PER_LAYER:
            sizes[key] = (kinds if key == "layer_types" else _kinds(value))[:layers]
        elif isinstance(part, PreTrainedConfig):
            sizes[key] = _shrunk(type(part), changes.get(key, {}))
    sizes |= {key: 0 for key in ("bos_token_id", "eos_token_id", "pad_token_id") if key in known}
    return make(**(sizes | {key: value for key, value in changes.items() if key not in sizes or key[-7:] != "_config"}))


LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
PER_LAYER = ("layer_types", "mlp_layer_types", "layers_block_type", "no_rope_layers", "moe_layers")


def _kinds(types: Any) -> list[Any]:
    """Return one layer of each kind, at least two."""
    kinds = list(dict.fromkeys(types or ()))
    return kinds * 2 if len(kinds) == 1 else kinds


def _may_be(key: str, value: Any) -> bool:
    """Tell whether a size may be put there: a number stands there, or nothing where a head's size goes."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (value is None and key in ("head_dim",))


DECODER = {"is_decoder": True}
ENCODERS = (
    "bert", "bert-generation", "big_bird", "camembert", "data2vec-text", "electra", "ernie", "megatron-bert", "roberta",
    "roberta-prelayernorm", "roc_bert", "roformer", "xlm-roberta", "xlm-roberta-xl",
)  # fmt: skip
# attention with latent keys: a key head for each query head
LATENT = ("axk1", "axk2", "bailing_hybrid", "deepseek_v2", "deepseek_v3", "deepseek_v32", "glm4_moe_lite",
          "glm_moe_dsa", "kimi_linear", "longcat_flash", "minicpm3", "youtu")  # fmt: skip
MIXED = {"layer_types": ["linear_attention", "full_attention"]}
TURNED = {kind: {"rope_type": "default", "rope_theta": 1e4} for kind in ("full_attention", "sliding_attention")}
QSA = {"indexer_budget": 16, "indexer_compress_ratio": 4, "indexer_n_heads": 2, "indexer_kv_heads": 1,
       "indexer_head_dim": 12}  # fmt: skip
# What cannot be told from the names of keys.
SPECIAL: dict[str, dict[str, Any]] = {
    **dict.fromkeys(ENCODERS, DECODER),
    **{kind: {"num_key_value_heads": HEADS} for kind in LATENT},
    "bamba": {"attn_layer_indices": [1]},
    "cohere_compass_text": {"rope_parameters": TURNED},
    "deepseek_v2": {"num_key_value_heads": HEADS, "num_experts_per_tok": 2},
    "dots1": {"n_routed_experts": 4, "num_experts_per_tok": 2, "n_shared_experts": 1, "first_k_dense_replace": 1},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "granitemoehybrid": MIXED,
    "kimi_linear": {"num_key_value_heads": HEADS, "num_expert_group": 1, "linear_head_dim": 12, "linear_num_heads": 4},
    "bailing_hybrid": {"num_key_value_heads": HEADS, "n_group": 1, "topk_group": 1},
    "jamba": {"attn_layer_period": 2, "attn_layer_offset": 1},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"]},
    "mamba2": {"head_dim": 24, "num_heads": 4},
    "nemotron": {"num_key_value_heads": 2},
    "nemotron_h": MIXED,
    "qwen4_exp_text": MIXED | QSA,
    "recurrent_gemma": {"num_hidden_layers": 3},
    "reformer": DECODER | {"axial_pos_embds": False, "attn_layers": ["local", "lsh"], "local_attn_chunk_length": 8,
                           "lsh_attn_chunk_length": 8, "attention_head_size": 12, "num_buckets": 4},
    "prophetnet": {"max_position_embeddings": 200},
    "rembert": DECODER | {"input_embedding_size": HIDDEN, "output_embedding_size": HIDDEN},
    "stablelm": {"partial_rotary_factor": 0.5},
    "zamba2": {"attention_head_dim": 24, "attention_hidden_size": 96, "num_key_value_heads": 4},
    "xmod": DECODER | {"default_language": "en_XX"},
    "zaya": {"num_experts_per_tok": 1},
}  # fmt: skip

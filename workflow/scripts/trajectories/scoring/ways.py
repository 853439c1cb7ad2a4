"""What a model's config says about how it may be run, before anything is tried.

tree      every layer is attention over all that came before
windows   a tree too, but some layer sees less than the longest request: a sliding window, attention in chunks
plain     some layer carries a state from token to token (recurrent, convolution), which branches of a pack share
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from torch import nn

from trajectories.scoring.requests import Longs, Requests

Way = Literal["tree", "windows", "plain"]
ATTENTION = ("full_attention", "sliding_attention", "chunked_attention", "indexed_attention")
WINDOW_KEYS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
NARROW_KEYS = ("sliding_window", "attention_chunk_size", "window_size")
TABLES = ("position_embeddings", "embed_positions", "wpe")  # where BERT's kin count from the padding token on
DEFAULT_WINDOW = 2048  # what the evaluation harness assumes where a model does not say


@dataclass(frozen=True)
class Reading:
    """What the config and the modules say: a way, and why where it is not a tree."""

    way: Way
    reason: str = ""


def text_config(config: Any) -> Any:
    """Return the part of a config that describes the language model (`text_config` of a multimodal one)."""
    return config.get_text_config(decoder=True)


def window_of(config: Any) -> int:
    """Return how many tokens the model takes at most (its `max_position_embeddings` or kin)."""
    for part in (config, text_config(config)):
        for name in WINDOW_KEYS:
            size = getattr(part, name, None)
            if isinstance(size, int) and size > 0:
                return size
    return DEFAULT_WINDOW


def window(model: Any) -> int:
    """Return how many tokens a model takes at most: what its config says, or its table of positions if that is less."""
    tables = [
        part.num_embeddings - (0 if part.padding_idx is None else part.padding_idx + 1)
        for name, part in model.base_model.named_modules()
        if name.endswith(TABLES) and isinstance(part, nn.Embedding)
    ]
    return min([window_of(model.config), *tables])


def is_spread(model: Any) -> bool:
    """Tell whether a model's layers lie on several devices."""
    return len(set(getattr(model, "hf_device_map", {}).values())) > 1


def reading(model: Any, longest: int) -> Reading:
    """Return the way for requests of at most `longest` input tokens."""
    config = text_config(model.config)
    kinds = set(getattr(config, "layer_types", None) or ())
    if other := sorted(kinds - set(ATTENTION)):
        return Reading("plain", f"it has layers of the kind {other[0]}")
    if getattr(type(model), "_is_stateful", False):
        return Reading("plain", "it carries a state from token to token")
    if any(isinstance(part, nn.Conv1d) for name, part in model.base_model.named_modules() if not _senses(name)):
        return Reading("plain", "it has convolutions over tokens")
    narrow = min(_narrow(config, longest), default=longest + 1)
    if narrow < longest:
        return Reading("windows", f"it has layers that see {narrow} tokens")
    return Reading("tree")


def rope_switch(config: Any) -> int | None:
    """Return the length beyond which LongRoPE takes other frequencies for every position; None without LongRoPE."""
    parameters = getattr(text_config(config), "rope_parameters", None) or {}
    sets = [parameters, *(value for value in parameters.values() if isinstance(value, dict))]
    lengths = [found.get("original_max_position_embeddings") for found in sets if found.get("rope_type") == "longrope"]
    return min((int(length) for length in lengths if length), default=None)


def of_one_rope(requests: Requests, switch: int | None) -> list[Longs]:
    """Return the rows of requests that may share a tree: LongRoPE turns short and long ones differently."""
    rows = np.arange(len(requests))
    long = requests.lengths - 1 > (np.inf if switch is None else switch)
    return [part for part in (rows[~long], rows[long]) if len(part)]


def _narrow(config: Any, longest: int) -> list[int]:
    sizes = [getattr(config, name, None) for name in NARROW_KEYS]
    return [size for size in sizes if isinstance(size, int) and 0 < size < longest]


def _senses(name: str) -> bool:
    """Tell whether a module sees or hears: its convolutions are over pixels or sound."""
    return any(part in name for part in ("vision", "visual", "image", "img", "audio", "speech"))

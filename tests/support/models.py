"""Small random models of several architectures, and a tokenizer trained on the spot."""

from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
)

TEXT = (
    "The quick brown fox jumps over the lazy dog. The sky is blue, the sea is wide, and the grass is green.",
    "Two plus two is four. Three plus five is eight. One and one and one is three, naïve café ☃ snowman.",
    "A stitch in time saves nine. Absence makes the heart grow fonder. Question: is it true? Answer: yes, no.",
)
WINDOW = 96


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with few merges, so that merges across any boundary happen."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )  # fmt: skip
    core.train_from_iterator(TEXT * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<|endoftext|>", eos_token="<|endoftext|>")


def random_model(kind: str, seed: int = 0, window: int = WINDOW) -> Any:
    """A small model of the named architecture with random weights, large enough that scores differ clearly."""
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {"vocab_size": 416, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    if kind == "gpt_neox":
        config = GPTNeoXConfig(**sizes, intermediate_size=96, max_position_embeddings=window, initializer_range=0.3)
        return GPTNeoXForCausalLM(config).eval()
    if kind == "llama":
        return LlamaForCausalLM(
            LlamaConfig(
                **sizes, num_key_value_heads=2, intermediate_size=96, max_position_embeddings=window,
                initializer_range=0.3,
            )
        ).eval()  # fmt: skip
    if kind == "mistral":  # a sliding window shorter than the sequences
        return MistralForCausalLM(
            MistralConfig(
                **sizes, num_key_value_heads=2, intermediate_size=96, max_position_embeddings=window,
                sliding_window=8, initializer_range=0.3,
            )
        ).eval()  # fmt: skip
    if kind == "bloom":  # ALiBi: positions come from the mask
        return BloomForCausalLM(BloomConfig(vocab_size=416, hidden_size=48, n_layer=2, n_head=4,
                                            initializer_range=0.3)).eval()  # fmt: skip
    raise ValueError(kind)


def save_checkpoint(folder: Path, kind: str = "gpt_neox", seed: int = 0) -> Path:
    """Write a random model and the tokenizer as an ordinary Hugging Face folder."""
    random_model(kind, seed).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder

"""Models in Pythia's shapes with random weights: speed does not depend on what the weights are."""

from dataclasses import dataclass
from typing import Any

WINDOW = 2048


@dataclass(frozen=True)
class Shape:
    """The sizes of a GPT-NeoX model; the feed-forward layer is four times the hidden size."""

    hidden: int
    layers: int
    heads: int
    vocabulary: int = 50304
    checkpoints: int = 8  # of this size in the paper's study

    @property
    def body(self) -> int:
        """Weights of the linear layers a token passes: 3h² + h² in attention, 2 · 4h² in the feed-forward layer."""
        return self.layers * 12 * self.hidden**2

    @property
    def head(self) -> int:
        """Weights of the output layer."""
        return self.hidden * self.vocabulary

    @property
    def parameters(self) -> int:
        """Linear weights and the input embedding, without biases and norms."""
        return self.body + 2 * self.head


PYTHIA = {
    "70m": Shape(512, 6, 8),
    "160m": Shape(768, 12, 12),
    "410m": Shape(1024, 24, 16),
    "1b": Shape(2048, 16, 8),
    "1.4b": Shape(2048, 24, 16),
    "2.8b": Shape(2560, 32, 32),
    "6.9b": Shape(4096, 32, 32, 50432),
    "12b": Shape(5120, 36, 40, 50688),
}
TINY = {"tiny": Shape(32, 2, 4, 50304)}  # dry runs


def shape_of(name: str) -> Shape:
    """Return a shape by name. Raises KeyError."""
    return (PYTHIA | TINY)[name]


def random_model(shape: Shape, dtype: str, device: str, seed: int = 0, attention: str = "sdpa") -> Any:
    """Make a model of `shape` on `device`, its weights drawn there from `seed`."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    config = GPTNeoXConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.hidden,
        max_position_embeddings=WINDOW,
        attn_implementation=attention,
        dtype=getattr(torch, dtype),
    )
    torch.manual_seed(seed)
    with torch.device(device):
        model = GPTNeoXForCausalLM._from_config(config)
    return model.eval()

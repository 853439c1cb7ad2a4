"""The sizes of the pocket suite: GPT-NeoX as Pythia uses it, only much smaller."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trajectories.errors import UserError
from trajectories.pocket.tokens import CONTEXT, VOCABULARY

if TYPE_CHECKING:
    from transformers import GPTNeoXConfig


@dataclass(frozen=True)
class PocketShape:
    """Width, depth and heads of one model, and its highest learning rate (smaller models bear more, as in Pythia)."""

    width: int
    layers: int
    heads: int
    learning_rate: float

    @property
    def embeddings(self) -> int:
        """Parameters of the input and output embeddings, which are not tied."""
        return 2 * VOCABULARY * self.width

    @property
    def parameters(self) -> int:
        """All parameters: the embeddings, per layer 12 width² + 13 width, and the last layer norm."""
        return self.embeddings + self.layers * (12 * self.width**2 + 13 * self.width) + 2 * self.width

    def config(self) -> "GPTNeoXConfig":
        """Return the architecture: parallel residual, rotary embedding on a quarter of each head, untied."""
        from transformers import GPTNeoXConfig

        return GPTNeoXConfig(
            vocab_size=VOCABULARY,
            hidden_size=self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=4 * self.width,
            max_position_embeddings=2 * CONTEXT,
            rotary_pct=0.25,
            initializer_range=math.sqrt(2 / (5 * self.width)),  # GPT-NeoX's small_init
            use_parallel_residual=True,
            tie_word_embeddings=False,
            bos_token_id=0,
            eos_token_id=0,
        )


# Named by their number of parameters, embeddings included.
SUITE: dict[str, PocketShape] = {
    "pocket-39k": PocketShape(width=16, layers=2, heads=1, learning_rate=8e-3),
    "pocket-104k": PocketShape(width=32, layers=3, heads=1, learning_rate=6e-3),
    "pocket-331k": PocketShape(width=64, layers=4, heads=2, learning_rate=6e-3),
    "pocket-1m": PocketShape(width=128, layers=4, heads=4, learning_rate=5e-3),
}


def shape_of(model: str) -> PocketShape:
    """Return the shape of a model of the suite. Raises `UserError` when there is none of that name."""
    if model not in SUITE:
        raise UserError(f"model {model!r} is not in the pocket suite; it has {', '.join(SUITE)}")
    return SUITE[model]

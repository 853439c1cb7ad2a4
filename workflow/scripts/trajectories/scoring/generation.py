"""Greedy texts of a causal model: transformers' own generation in sorted batches, what all prompts share run once.

    row         [padding][prompt], padded on the left: distances between real tokens are those of the prompt alone
    shared      keys and values of the tokens that all prompts begin with; every row gets them behind its own padding,
                so that the columns of a batch that have been run already are the same in all of its rows

A state that is no cache of keys and values (recurrent layers, sliding windows that forget) can be neither padded nor
shifted so: such models run whole prompts, those that carry a state from token to token in batches of one length.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, GenerationConfig, StoppingCriteria, StoppingCriteriaList
from transformers.cache_utils import DynamicLayer

from trajectories.errors import UserError
from trajectories.scoring.memory import smaller

LEAST_SHARED = 16  # tokens; a shorter beginning is cheaper run with every batch
Ids = Sequence[int]
Decode = Callable[[list[int]], str]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Length:
    """How long a text may become: at most `new_tokens`, and up to the first of the strings `stop`."""

    new_tokens: int
    stop: tuple[str, ...] = ()
    named: str = "answer.new_tokens"  # where `new_tokens` was said
    ends: tuple[int, ...] = ()  # tokens that end a text beside those of the model
    with_end: bool = False  # whether the token that ends a text stays in it; decoding drops it where it is special

    def cut(self, text: str) -> str:
        """Return a text up to the first stop string in it."""
        ends = [place for stop in self.stop if (place := text.find(stop)) >= 0]
        return text[: min(ends)] if ends else text

    def ended(self, text: str) -> bool:
        """Tell whether a stop string is in a text."""
        return any(stop in text for stop in self.stop)


@dataclass
class Writer:
    """A loaded model that writes. `pack_tokens`, how many tokens a batch has, shrinks when memory runs out."""

    model: Any
    window: int
    decode: Decode
    pack_tokens: int = 1024

    def write(self, prompts: Sequence[Ids], length: Length, progress: Progress = lambda count: None) -> list[list[int]]:
        """Return the tokens that greedy decoding writes after each prompt, without the one that ends a text unless
        `length` keeps it.

        The token with which a stop string is complete is the last one. Prompts lose tokens on the left where they and
        the new tokens do not fit into the window together. Raises `UserError` when the new tokens alone fill it.
        """
        if length.new_tokens >= self.window:
            raise UserError(
                f"{length.named}: {length.new_tokens} leave no place for a question in the model's window of "
                f"{self.window} tokens"
            )
        asked = [list(prompt)[-(self.window - length.new_tokens) :] for prompt in prompts]
        written: list[list[int]] = [[] for _ in asked]
        shared = self._shared(asked)
        waiting = sorted(range(len(asked)), key=lambda k: (-len(asked[k]), asked[k]))
        while waiting:
            rows = self._batch(waiting, asked, length)
            try:
                found = self._run([asked[k] for k in rows], length, shared)
            except RuntimeError as error:
                self.pack_tokens = smaller(self.pack_tokens, error)
                continue
            for k, ids in zip(rows, found, strict=True):
                written[k] = ids
            waiting = waiting[len(rows) :]
            progress(len(rows))
        return written

    def _batch(self, waiting: Sequence[int], asked: Sequence[Ids], length: Length) -> list[int]:
        """Return the next prompts to run together, the longest of those that wait first."""
        longest = len(asked[waiting[0]])
        rows = list(waiting[: max(1, self.pack_tokens // (longest + length.new_tokens))])
        return [k for k in rows if len(asked[k]) == longest] if self._carries_state else rows

    @property
    def _carries_state(self) -> bool:
        return bool(getattr(self.model, "_is_stateful", False))

    @torch.inference_mode()
    def _shared(self, asked: Sequence[Ids]) -> list[tuple[Tensor, Tensor]]:
        """Return keys and values, layer by layer, of what all prompts begin with; nothing where that is not worth it
        or the model keeps something else."""
        size = _common(asked)
        if len(asked) < 2 or size < LEAST_SHARED or self._carries_state:
            return []
        ids = torch.tensor([asked[0][:size]], device=self.model.device)
        cache = self.model(input_ids=ids, use_cache=True).past_key_values
        if not isinstance(cache, DynamicCache) or any(type(layer) is not DynamicLayer for layer in cache.layers):
            return []
        return [(layer.keys, layer.values) for layer in cache.layers]

    @torch.inference_mode()
    def _run(self, prompts: Sequence[Ids], length: Length, shared: Sequence[tuple[Tensor, Tensor]]) -> list[list[int]]:
        width = max(map(len, prompts))
        padding = [width - len(prompt) for prompt in prompts]
        ends = [*dict.fromkeys([*self._end_tokens(), *length.ends])]
        fill = ends[0] if ends else 0
        ids = torch.tensor([[fill] * pad + list(prompt) for pad, prompt in zip(padding, prompts, strict=True)])
        mask = torch.tensor([[0] * pad + [1] * (width - pad) for pad in padding])
        given = {"past_key_values": _behind(padding, shared)} if shared else {}
        stopping = StoppingCriteriaList([_Stopped(length, width, self.decode)]) if length.stop else None
        made = self.model.generate(
            input_ids=ids.to(self.model.device), attention_mask=mask.to(self.model.device),
            generation_config=_greedy(length.new_tokens, ends, fill), stopping_criteria=stopping, **given,
        )  # fmt: skip
        return [self._ended(row, length, ends) for row in made[:, width:].tolist()]

    def _ended(self, ids: list[int], length: Length, ends: Sequence[int]) -> list[int]:
        """Return what a row wrote before an end token, or with it, up to the token that completes a stop string."""
        end = next((place for place, token in enumerate(ids) if token in ends), len(ids))
        own = ids[: end + length.with_end]
        if not length.ended(self.decode(own)):
            return own
        return next(own[:count] for count in range(1, len(own) + 1) if length.ended(self.decode(own[:count])))

    def _end_tokens(self) -> list[int]:
        """Return the tokens with which the model ends a text: those of its generation config, or of its config."""
        told = getattr(self.model.generation_config, "eos_token_id", None)
        told = getattr(self.model.config, "eos_token_id", None) if told is None else told
        if told is None:
            return []
        return [int(token) for token in told] if isinstance(told, list | tuple) else [int(told)]


class _Stopped(StoppingCriteria):  # type: ignore[misc]  # transformers does not export its types
    """Which rows have written a stop string."""

    def __init__(self, length: Length, width: int, decode: Decode) -> None:
        self._length, self._width, self._decode = length, width, decode

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:
        ended = [self._length.ended(self._decode(row)) for row in input_ids[:, self._width :].tolist()]
        return torch.tensor(ended, device=input_ids.device)


def _greedy(new_tokens: int, ends: Sequence[int], fill: int) -> GenerationConfig:
    """Return the most probable token at every step and nothing else, whatever the checkpoint's own config asks for."""
    return GenerationConfig(
        max_new_tokens=new_tokens, do_sample=False, num_beams=1, repetition_penalty=1.0, no_repeat_ngram_size=0,
        eos_token_id=list(ends) or None, pad_token_id=fill, use_cache=True,
    )  # fmt: skip


def _common(asked: Sequence[Ids]) -> int:
    """Return how many tokens all prompts begin with; each keeps at least one of its own."""
    if not asked:
        return 0
    first, last = min(asked, key=list), max(asked, key=list)
    shared = next((place for place, (a, b) in enumerate(_pairs(first, last)) if a != b), min(len(first), len(last)))
    return min(shared, min(map(len, asked)) - 1)


def _pairs(first: Ids, last: Ids) -> Iterator[tuple[int, int]]:
    yield from zip(first, last, strict=False)


def _behind(padding: Sequence[int], shared: Sequence[tuple[Tensor, Tensor]]) -> DynamicCache:
    """Return a cache of a batch: of each row its padding, and behind it as much of what is shared as there is room."""
    cache = DynamicCache()
    for layer, kept in enumerate(shared):
        cache.update(*(_rows(states, padding) for states in kept), layer)
    return cache


def _rows(states: Tensor, padding: Sequence[int]) -> Tensor:
    """Return keys or values [rows, heads, tokens, size] of which row i begins `padding[i]` tokens later."""
    tokens = states.shape[2]
    rows = states.new_zeros(len(padding), *states.shape[1:])
    for row, pad in enumerate(padding):
        if pad < tokens:
            rows[row, :, pad:] = states[0, :, : tokens - pad]
    return rows

"""What a model carries from token to token (keys and values, recurrent states, convolution windows), copied row by row.

A batch that continues one prefix gets a copy of its state per row; so does one whose rows continue several prefixes.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from trajectories.scoring.head import Head

NAMES = ("past_key_values", "cache_params", "state")  # what architectures call it


@dataclass(frozen=True)
class State:
    """What a model made of `tokens` tokens, in its own form; a row per sequence."""

    own: Any
    tokens: int


class Passes:
    """Plain passes of a model over batches [rows, tokens], from nothing or from a state."""

    def __init__(self, model: Any, head: Head, steps: bool = False) -> None:
        self.model = model
        self.head = head
        self._steps = steps  # go on from a state one token at a time: some recurrent layers forget it otherwise
        self._module = model if head.whole else model.base_model
        takes = signature(self._module.forward).parameters
        self._name = next((name for name in NAMES if name in takes), None)
        self._placed = "position_ids" in takes

    @torch.inference_mode()
    def __call__(self, ids: Tensor, state: State | None = None, keep: bool = False) -> tuple[Tensor, State | None]:
        """Return what the head takes at every token, [rows, tokens, size], and the state where it is to be kept.

        A given state is used up: it may be changed in place.
        """
        if state is not None and self._steps and ids.shape[1] > 1:
            made = []
            for column in range(ids.shape[1]):
                step, state = self._once(ids[:, column : column + 1], state, True)
                made.append(step)
            return torch.cat(made, dim=1), state
        return self._once(ids, state, keep)

    def _once(self, ids: Tensor, state: State | None, keep: bool) -> tuple[Tensor, State | None]:
        given = {} if state is None else {str(self._name): state.own}
        past = 0 if state is None else state.tokens
        if state is not None and self._placed:  # not every model counts on from its state
            places = torch.arange(past, past + ids.shape[1], device=ids.device)
            given["position_ids"] = places.expand(ids.shape)
        output = self._module(input_ids=ids, use_cache=keep or state is not None, **given)
        made = output.logits if self.head.whole else output.last_hidden_state
        return made, State(getattr(output, str(self._name)), past + ids.shape[1]) if keep else None

    @property
    def stateful(self) -> bool:
        """Tell whether the model takes a state at all."""
        return self._name is not None


def rows_of(state: State, rows: Sequence[int]) -> State:
    """Return a copy of a state whose row i is row `rows[i]`."""
    return State(_rows(state.own, rows), state.tokens)


def _rows(state: Any, rows: Sequence[int]) -> Any:
    """Copy whatever a state is made of; numbers and flags stay as they are."""
    if isinstance(state, Tensor):
        return state[list(rows)] if state.ndim > 1 else state.clone()
    if isinstance(state, Mapping):
        return type(state)((key, _rows(value, rows)) for key, value in state.items())  # type: ignore[call-arg]
    if isinstance(state, list | tuple):
        return type(state)(_rows(value, rows) for value in state)
    if hasattr(state, "__dict__") and not isinstance(state, type):
        made = copy(state)
        for name, value in vars(state).items():
            setattr(made, name, _rows(value, rows))
        return made
    return state

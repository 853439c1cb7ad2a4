"""Where the nodes of a pack stand, told to a transformers model in the model's own words.

A model of transformers builds its masks itself: for each kind of layer it hands a rule, "may position q look at
position k", to the mask function of its attention implementation. While a `Layout` is current, that function answers
with the pack's mask instead: node i may look at node j when j is i or an ancestor of i and the model's own rule
allows their *depths*. So sliding windows, attention in chunks and layers of several kinds need no knowledge here; the
model says what each of its layers sees. What counts positions in the 2-D mask (ALiBi, learned positions) counts
depths.

    rule of a window of 2: q - k < 2        depth   0   1   2   2          node 3 sits beside node 2 in the pack;
                                            node    0 ─ 1 ─ 2              its window holds nodes 1 and 3
                                                        └── 3
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionMaskInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, causal_mask_function

from trajectories.scoring.prefix_tree import Pack

Rule = Callable[[Any, Any, Any, Any], Any]  # (batch, head, query position, key position) -> may look


class NoTreeError(Exception):
    """The model does something with masks that a tree cannot follow; it is scored the plain way."""


@dataclass(frozen=True)
class Layout:
    """A pack on the model's device. `depths` counts the root's nodes first, as keys do."""

    pack: Pack
    root: int
    end: Tensor  # [n]
    depths: Tensor  # [root + n]
    asked: list[str] = field(default_factory=list)  # the mask functions that the model called

    @property
    def depth(self) -> Tensor:
        """Depths of the pack's own nodes, shape [n]."""
        return self.depths[self.root :]


@dataclass(frozen=True)
class Question:
    """What a model asks of a mask function: its rule, None where it is plain causal, and the type of the mask."""

    rule: Rule | None
    dtype: torch.dtype


MaskMaker = Callable[[Layout, Question], Any]
_current: ContextVar[Layout | None] = ContextVar("layout of the pack that runs in this thread", default=None)


@contextmanager
def current(layout: Layout, makers: Mapping[str, MaskMaker]) -> Iterator[None]:
    """Answer the mask functions that are called in this thread with the layout's masks; `makers` by implementation."""
    for name, make in makers.items():
        _answer(name, make)
    before = _current.set(layout)
    try:
        yield
    finally:
        _current.reset(before)


def current_layout() -> Layout | None:
    """Return the layout of the pack that runs in this thread, None outside a pack."""
    return _current.get()


def _answer(name: str, make: MaskMaker) -> None:
    """Put a function that knows packs in the place of one of transformers' own, once; outside a pack it is the same."""
    own = ALL_MASK_ATTENTION_FUNCTIONS[name]
    if not isinstance(own, _MaskFunction):
        AttentionMaskInterface.register(name, _MaskFunction(name, own, make))


@dataclass(frozen=True)
class _MaskFunction:
    name: str
    own: Callable[..., Any]
    make: MaskMaker

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        layout = _current.get()
        if layout is None:
            return self.own(*args, **kwargs)
        n = len(layout.pack.tokens)
        if kwargs.get("use_vmap") or args or kwargs["q_length"] != n or kwargs["kv_length"] != layout.root + n:
            raise NoTreeError("its masks are not made from positions alone")
        layout.asked.append(self.name)
        rule = kwargs.get("mask_function", causal_mask_function)
        return self.make(layout, Question(None if rule is causal_mask_function else rule, kwargs["dtype"]))


class Ones(Tensor):
    """A 2-D attention mask of ones, shape [1, root + n], in which positions counted from the left are depths."""

    depths: Tensor

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Count depths in cumsum; every other function sees ones."""
        with torch._C.DisableTorchFunctionSubclass():
            result = func(*args, **(kwargs or {}))
            ones = args[0] if args else None
            if not isinstance(ones, Ones) or not isinstance(result, Tensor) or result.shape != ones.shape:
                return result
            if func in (Tensor.cumsum, torch.cumsum):
                return (ones.depths + 1).to(result.device, result.dtype)[None]
            if func in (Tensor.to, Tensor.long, Tensor.int, Tensor.float):
                return _ones(result, ones.depths)
            return result


def ones(layout: Layout) -> Tensor:
    """Return the 2-D mask of a pack's keys."""
    return _ones(torch.ones_like(layout.depths, dtype=torch.long)[None], layout.depths)


def _ones(tensor: Tensor, depths: Tensor) -> Tensor:
    marked = tensor.as_subclass(Ones)
    marked.depths = depths
    return marked

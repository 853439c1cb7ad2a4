"""Before a model is trusted: what its config says, then proofs that confirm it (`proofs.py`, `plain_proofs.py`).

What the config and the code decide is proven once per model (`Known`, which a job may keep for all its checkpoints).
The leak test alone is made again for every checkpoint: weights of zero hide a leak that later weights show. Where a
proof fails, or the model takes no tree at all, requests are scored the plain way.
"""

import json
import logging
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from trajectories.errors import UserError
from trajectories.files import digest
from trajectories.scoring.attention import Attention
from trajectories.scoring.batches import Means
from trajectories.scoring.engine import Engine
from trajectories.scoring.forward import TreeForward
from trajectories.scoring.layout import NoTreeError
from trajectories.scoring.memory import UNFIT, out_of_memory, smaller, why
from trajectories.scoring.plain import PlainEngine
from trajectories.scoring.plain_proofs import means_of, refuse_not_causal
from trajectories.scoring.prefix_tree import build_tree
from trajectories.scoring.proofs import (
    Rows,
    every_other,
    fans,
    leak,
    positions,
    quick_fan,
    refuse_leak,
    refuse_positions,
    still,
    tokens_see_each_other,
)
from trajectories.scoring.requests import Ints, Requests
from trajectories.scoring.scored import AGREEMENT
from trajectories.scoring.states import Passes
from trajectories.scoring.ways import Reading, is_spread, reading, rope_switch

logger = logging.getLogger(__name__)
SAMPLE = 4
COPIED = 5e8  # parameters; a model of half precision with no more is compared in float32, on a copy

Figures = dict[str, float | str]


@dataclass(frozen=True)
class Verdict:
    """How a model may be run, proven for inputs of up to `longest` tokens; no `means` where it takes trees."""

    longest: int
    means: Means | None = None
    reason: str = ""
    figures: Figures = field(default_factory=dict)
    telling: bool = True  # with weights in which tokens see each other; others prove nothing about later ones


@dataclass
class Known:
    """Proofs made in this process that hold for every checkpoint of a model."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    attention: dict[str, list[Attention]] = field(default_factory=dict)  # narrowed by the first engine that chooses


def trusted(engine: Engine, requests: Requests, known: Known | None = None) -> Engine | PlainEngine:
    """Return `engine` with its way and the proofs' figures if it is proven to score as plain passes do.

    Else say so in the log and return a `PlainEngine`. `known` spares what has been proven for another checkpoint.
    Raises `UserError` when the model cannot be run at all, or is not causal.
    """
    _settle(engine)
    requests = requests.within(engine.window)
    longest = int((requests.lengths - 1).max(initial=1))
    read = reading(engine.model, longest)
    known = Known() if known is None else known
    config = json.loads(engine.model.config.to_json_string(use_diff=False)) | {"_name_or_path": ""}  # wherever it lies
    key = digest([config, str(engine.model.dtype), engine.softmax, read.way])
    found = known.verdicts.get(key)
    if found is None or found.longest < longest:
        found = _prove(engine, requests, read, longest)
        if found.telling:
            known.verdicts[key] = found
    elif found.means is None and engine.leak is None and (reason := _attempt(lambda: _quick(engine, requests))):
        found = _prove(engine, requests, Reading("plain", reason), longest)
    if found.means is None:
        engine.way, engine.proofs = read.way, found.figures | {"leak": float(engine.leak or 0.0)}
        engine.options = known.attention.setdefault(key, engine.options)
        engine.confirm = partial(_confirmed, engine, np.unique(requests.tokens))
        return engine
    logger.warning("no prefix tree for this model (%s): scoring by %s", found.reason, SAID[found.means])
    plain = PlainEngine(engine.model, engine.head, engine.softmax, engine.pack_tokens, found.means, found.reason)
    plain.proofs = dict(found.figures)
    return plain


SAID = {"alone": "one request at a time", "batches": "batches", "states": "batches that continue copied states",
        "steps": "batches that continue copied states step by step"}  # fmt: skip


def _prove(engine: Engine, requests: Requests, read: Reading, longest: int) -> Verdict:
    """Prove the way that was read; where that fails, prove how the plain way may go."""
    alphabet, figures, reason = np.unique(requests.tokens), Figures(), read.reason
    exact, telling = _exact(engine), tokens_see_each_other(Rows(engine.model, engine.head), alphabet)
    if read.way != "plain":
        reason = _attempt(lambda: figures.update(_prove_tree(engine, exact, requests, alphabet)))
        if not reason:
            return Verdict(longest, None, "", figures | _compared_in(exact), telling)
    passes = Passes(engine.model, engine.head)
    most = still(Rows(engine.model, engine.head), alphabet, _limit(engine))
    refuse_not_causal(passes, alphabet, min(longest, engine.window), most)
    in_float32 = exact.model.dtype == torch.float32
    means, found = means_of(Passes(exact.model, exact.head), alphabet, _limit(engine), in_float32)
    while means != "alone" and in_float32:
        other = PlainEngine(exact.model, exact.head, "float32", exact.pack_tokens, means)
        if not (failed := _attempt(partial(_agreement, exact, other, requests, found))):
            break
        found[f"not_{means}"], means = failed, "alone" if means == "batches" else "batches"
    return Verdict(longest, means, reason, found | _compared_in(exact), telling)


def _attempt(proof: Callable[[], Any]) -> str:
    """Run a proof and return why it failed, empty when it did not. Running out of memory is no answer."""
    try:
        proof()
    except UNFIT as error:
        if out_of_memory(error):
            raise
        return why(error)
    return ""


def _compared_in(exact: Engine) -> Figures:
    return {"compared_in": str(exact.model.dtype).removeprefix("torch.")}


def _prove_tree(engine: Engine, exact: Engine, requests: Requests, alphabet: Ints) -> Figures:
    most = still(Rows(engine.model, engine.head), alphabet, _limit(engine))
    total = min(engine.pack_tokens, build_tree(requests).nodes)
    sizes = {"below a cached root": (total, total // 2), "without a root": (min(total, 128),)}
    engine.leak = max(_leak_at(engine, alphabet, n, where, most) for where, ns in sizes.items() for n in ns)
    apart, own = positions(exact.forward, Rows(exact.model, exact.head), alphabet, _limit(engine))
    refuse_positions(apart, own, exact.model.dtype == torch.float32)
    figures: Figures = {"position": float(apart.max()), "noise": float(own.max())}
    if exact.model.dtype == torch.float32:
        _agreement(exact, exact, requests, figures)
    return figures


def _confirmed(engine: Engine, alphabet: Ints, option: Attention) -> bool:
    """Prove another attention before it takes the place of the one that all was proven with."""
    rows = Rows(engine.model, engine.head)

    def forward(root: Ints) -> TreeForward:
        return engine.forward(root, option)

    def proof() -> None:
        root, made = quick_fan(alphabet, _limit(engine))
        refuse_leak(leak(forward(root), made, alphabet, ((1,),)), still(rows, alphabet, _limit(engine)), "a small pack")
        apart, noise = positions(forward, rows, alphabet, _limit(engine))
        refuse_positions(apart, noise, engine.model.dtype == torch.float32)

    if failed := _attempt(proof):
        logger.warning("%s is not taken: %s", option.implementation, failed)
    return not failed


def _leak_at(engine: Engine, alphabet: Ints, total: int, where: str, most: float) -> float:
    root, made = next((root, made) for name, root, made in fans(alphabet, total, _limit(engine)) if name == where)
    try:
        moved = leak(engine.forward(root), made, alphabet, every_other(made))
    except RuntimeError as error:
        engine.pack_tokens = smaller(engine.pack_tokens, error)
        return _leak_at(engine, alphabet, engine.pack_tokens, where, most)
    refuse_leak(moved, most, f"{len(made.pack.tokens)} nodes {where}")
    return moved


def _limit(engine: Engine) -> int:
    """Return how many tokens a sequence made for a proof may have: in the window, and of one rope."""
    switch = rope_switch(engine.model.config)
    return engine.window if switch is None else min(engine.window, switch)


def _quick(engine: Engine, requests: Requests) -> None:
    alphabet = np.unique(requests.tokens)
    root, made = quick_fan(alphabet, _limit(engine))
    engine.leak = leak(engine.forward(root), made, alphabet, ((1,),))
    if engine.leak > 0:
        most = still(Rows(engine.model, engine.head), alphabet, _limit(engine))
        refuse_leak(engine.leak, most, "a small pack")


def _exact(engine: Engine) -> Engine:
    """Return an engine in float32 on the same weights, or the engine itself where a copy would be too large."""
    model = engine.model
    if model.dtype == torch.float32 or is_spread(model) or sum(p.numel() for p in model.parameters()) > COPIED:
        return engine
    return Engine(deepcopy(model).float(), "float32", engine.pack_tokens, engine.attention)


def _agreement(engine: Engine, other: Engine | PlainEngine, requests: Requests, figures: Figures) -> None:
    sample = _sample(requests)
    expected, found = PlainEngine(engine.model, engine.head, engine.softmax).score(sample), other.score(sample)
    worst = float((np.abs(found.loglikelihood - expected.loglikelihood) / found.requests.counted).max())
    if worst > AGREEMENT:
        logger.info("scores together and alone differ by %.2g nats per token", worst)
        raise NoTreeError("scores together and alone differ")
    figures["agreement"] = worst


def _sample(requests: Requests) -> Requests:
    """A few neighbours, cheap ones, which share prefixes; and the longest request, where a sliding window shows."""
    size = min(len(requests), SAMPLE)
    starts = range(0, len(requests) - size + 1, max(1, (len(requests) - size + 1) // 64))
    costs = [int(requests.lengths[s : s + size].sum()) for s in starts]
    first = starts[int(np.argmin(costs))]
    longest = int(requests.lengths.argmax())
    return requests.rows(np.union1d(np.arange(first, first + size), [longest]))


def _settle(engine: Engine) -> None:
    """Have the model run at all: with its own eager attention where the kernel it was loaded with refuses."""
    model, ids = engine.model, torch.zeros((1, 3), dtype=torch.long, device=engine.model.device)

    def run() -> None:
        with torch.inference_mode():
            model(input_ids=ids, use_cache=False)

    if not (reason := _attempt(run)):
        return
    if _attempt(lambda: model.set_attn_implementation("eager")) or _attempt(run):
        raise UserError(f"this {type(model).__name__} cannot be run as a language model ({reason})")
    engine.start_with_loaded()

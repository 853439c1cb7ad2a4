"""Before a model is trusted with trees: what its config says, then proofs that confirm it (`proofs.py`).

What the config and the code decide is proven once per model (`Known`, which a job may keep for all checkpoints of
it). The leak test alone is made again for every checkpoint: weights of zero hide a leak that later weights show.
Where a proof fails, or the model takes no tree at all, requests are scored the plain way.
"""

import json
import logging
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from trajectories.errors import UserError
from trajectories.files import digest
from trajectories.scoring.engine import Engine, out_of_memory
from trajectories.scoring.layout import NoTreeError
from trajectories.scoring.plain import PlainEngine
from trajectories.scoring.proofs import (
    Rows,
    company_noise,
    fans,
    leak,
    positions,
    quick_fan,
    refuse_leak,
    refuse_positions,
)
from trajectories.scoring.requests import Ints, Requests
from trajectories.scoring.ways import Reading, reading, rope_switch

logger = logging.getLogger(__name__)
AGREEMENT = 1e-4  # nats per counted token, float32
SAMPLE = 4
COPIED = 5e8  # parameters; a model of half precision with no more is compared in float32, on a copy
UNFIT = (NoTreeError, TypeError, ValueError, AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError)

Figures = dict[str, float | str]


@dataclass
class Known:
    """Proofs made in this process that hold for every checkpoint of a model."""

    verdicts: dict[str, "Verdict"] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether a model takes trees, proven for inputs of up to `longest` tokens; why not, or the proofs' figures."""

    longest: int
    reason: str
    figures: Figures


def trusted(engine: Engine, requests: Requests, known: Known | None = None) -> Engine | PlainEngine:
    """Return `engine` with its way and the proofs' figures if it is proven to score as plain passes do.

    Else say so in the log and return a `PlainEngine`. `known` spares what has been proven for another checkpoint.
    Raises `UserError` when the model cannot be run at all.
    """
    _settle(engine)
    requests = requests.within(engine.window)
    read = reading(engine.model, int((requests.lengths - 1).max(initial=1)))
    if read.way == "plain":
        return _plainly(engine, read.reason)
    verdict = _verdict(engine, requests, read, Known() if known is None else known)
    return _plainly(engine, verdict.reason) if verdict.reason else replace_proofs(engine, read, verdict.figures)


def replace_proofs(engine: Engine, read: Reading, figures: Figures) -> Engine:
    """Put the way and the figures on the engine."""
    engine.way, engine.proofs = read.way, figures
    return engine


def _plainly(engine: Engine, reason: str) -> PlainEngine:
    logger.warning("no prefix tree for this model (%s): scoring one request at a time", reason)
    return PlainEngine(engine.model, engine.softmax, reason)


def _verdict(engine: Engine, requests: Requests, read: Reading, known: Known) -> Verdict:
    longest = int((requests.lengths - 1).max(initial=1))
    config = json.loads(engine.model.config.to_json_string(use_diff=False)) | {
        "_name_or_path": ""
    }  # same model, elsewhere
    key = digest([config, str(engine.model.dtype), engine.softmax, read.way])
    found, alphabet = known.verdicts.get(key), np.unique(requests.tokens)
    try:
        if found is None or found.longest < longest:
            known.verdicts[key] = found = _prove(engine, requests, alphabet, longest)
            engine.leak = float(found.figures.get("leak", 0.0))
        elif engine.leak is None and not found.reason:
            engine.leak = _quick(engine, alphabet)
    except UNFIT as error:
        if out_of_memory(error):
            raise
        found = Verdict(longest, _first_line(error), {})
        known.verdicts[key] = found
    return replace(found, figures=found.figures | {"leak": float(engine.leak or 0.0)})


def _prove(engine: Engine, requests: Requests, alphabet: Ints, longest: int) -> Verdict:
    rows = Rows(engine.model, engine.head)
    noise = company_noise(rows, alphabet)
    total = min(engine.pack_tokens, int(requests.lengths.sum()))
    worst = max(_leak_at(engine, alphabet, total, noise), _leak_at(engine, alphabet, total // 2, noise))
    exact = _exact(engine)
    apart, own = positions(exact.forward, Rows(exact.model, exact.head), alphabet, _limit(engine))
    refuse_positions(apart, own, exact.model.dtype == torch.float32)
    figures: Figures = {"leak": worst, "position": float(apart.max()), "position_noise": float(own.max())}
    if exact.model.dtype == torch.float32:
        figures["agreement"] = _agreement(exact, requests)
    return Verdict(longest, "", figures | {"compared_in": str(exact.model.dtype).removeprefix("torch.")})


def _leak_at(engine: Engine, alphabet: Ints, total: int, noise: float) -> float:
    found = 0.0
    for name, root, made in fans(alphabet, total, _limit(engine)):
        try:
            moved = leak(engine.forward(root), made, alphabet, (1, len(made.places) // 2, len(made.places) - 1))
        except RuntimeError as error:
            engine.halve(error)
            return _leak_at(engine, alphabet, engine.pack_tokens, noise)
        refuse_leak(moved, noise, f"{len(made.pack.tokens)} nodes {name}")
        found = max(found, moved)
    return found


def _limit(engine: Engine) -> int:
    """Return how many tokens a sequence made for a proof may have: in the window, and of one rope."""
    switch = rope_switch(engine.model.config)
    return engine.window if switch is None else min(engine.window, switch)


def _quick(engine: Engine, alphabet: Ints) -> float:
    root, made = quick_fan(alphabet, _limit(engine))
    found = leak(engine.forward(root), made, alphabet, (1,))
    if found > 0:
        refuse_leak(found, company_noise(Rows(engine.model, engine.head), alphabet), "a small pack")
    return found


def _exact(engine: Engine) -> Engine:
    """Return an engine in float32 on the same weights, or the engine itself where a copy would be too large."""
    model = engine.model
    if model.dtype == torch.float32 or sum(p.numel() for p in model.parameters()) > COPIED:
        return engine
    return Engine(deepcopy(model).float(), "float32", engine.pack_tokens, engine.attention)


def _agreement(engine: Engine, requests: Requests) -> float:
    sample = _sample(requests)
    tree, expected = engine.score(sample), PlainEngine(engine.model, engine.softmax).score(sample)
    worst = float((np.abs(tree.loglikelihood - expected.loglikelihood) / tree.requests.counted).max())
    if worst > AGREEMENT:
        raise NoTreeError(f"scores in a tree and alone differ by {worst:.2g} nats per token")
    return worst


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

    def run() -> Any:
        with torch.inference_mode():
            return model(input_ids=ids, use_cache=False).logits

    try:
        run()
    except UNFIT as error:
        if out_of_memory(error):
            raise
        _eagerly(model, run, error)
        engine.start_with_loaded()


def _eagerly(model: Any, run: Callable[[], Any], error: Exception) -> None:
    try:
        model.set_attn_implementation("eager")
        run()
    except UNFIT as second:
        if out_of_memory(second):
            raise
        raise UserError(f"this {type(model).__name__} cannot be run ({_first_line(error)})") from second


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]

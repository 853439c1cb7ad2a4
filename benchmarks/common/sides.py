"""The two sides of the comparison, each run in a process of its own with the same settings and weights."""

import random
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from common.shapes import random_model, shape_of
from common.work import matrix_rates, over_both, tree_operations
from common.workloads import HARNESS, Workload, pythia_tokenizer, workload


@dataclass(frozen=True)
class Settings:
    """What both sides share, and what one run of the harness is asked to do."""

    workload: str
    data: str
    shape: str = "70m"
    dtype: str = "float32"
    device: str = "cpu"
    threads: int = 2
    seed: int = 0
    pack_tokens: int | None = None
    batch_sizes: tuple[int, ...] = (8,)
    fraction: float = 1.0  # of the harness's rows


@dataclass
class Clock:
    """Seconds spent in the measured block, of the clock on the wall and of this process's threads together."""

    wall: float = 0.0
    cpu: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)


@contextmanager
def timed() -> Iterator[Clock]:
    """Measure a block."""
    clock = Clock()
    wall, cpu = time.perf_counter(), time.process_time()
    yield clock
    clock.wall, clock.cpu = time.perf_counter() - wall, time.process_time() - cpu


def peak_mib() -> float:
    """Return the largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(settings: Settings) -> dict[str, Any]:
    """Score the whole workload as a prefix tree, from texts to scores, tokenising and the start-up check included."""
    import torch

    from trajectories.scoring.check import trusted
    from trajectories.scoring.encode import encode
    from trajectories.scoring.engine import PACK_TOKENS, Engine
    from trajectories.scoring.plain import PlainEngine
    from trajectories.scoring.prefix_tree import build_tree

    torch.set_num_threads(settings.threads)
    what, tokenizer, model = _prepared(settings)
    size = settings.pack_tokens or PACK_TOKENS[settings.device]
    shape = shape_of(settings.shape)
    rates = matrix_rates(shape, settings.dtype, settings.device, min(size, 1024))
    before = peak_mib()
    with timed() as whole:
        requests = encode(what.questions, what.delimiters, tokenizer, HARNESS)
        with timed() as scoring:
            engine = trusted(Engine(model, pack_tokens=size), requests)
            scored = engine.score(requests)
    peak = peak_mib()
    if isinstance(engine, PlainEngine):
        raise RuntimeError("the model was not trusted with trees")
    ran = scored.requests
    scores = [
        (ran.tasks[ran.task[k]], int(ran.question[k]), int(ran.choice[k]), float(scored.loglikelihood[k]),
         bool(scored.is_greedy[k]))
        for k in range(len(ran))
    ]  # fmt: skip
    rates = over_both(rates, matrix_rates(shape, settings.dtype, settings.device, min(size, 1024)))
    return {
        "wall": whole.wall, "cpu": whole.cpu, "scoring_wall": scoring.wall, "scoring_cpu": scoring.cpu,
        "peak_mib": peak, "before_mib": before, "pack_tokens": scored.pack_tokens,
        "row_tokens": int((ran.lengths - 1).sum()), "requests": len(ran),
        "operations": asdict(tree_operations(build_tree(ran), shape)), "rates": [asdict(rate) for rate in rates],
        "scores": scores,
    }  # fmt: skip


def harness(settings: Settings) -> dict[str, Any]:
    """Score a fraction of the workload's rows with the harness's own backend, once per batch size."""
    import torch
    from lm_eval.models.huggingface import HFLM

    torch.set_num_threads(settings.threads)
    what, tokenizer, model = _prepared(settings)
    before = peak_mib()
    runs = []
    for size in settings.batch_sizes:
        backend = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=size, device=settings.device)
        runs.append(_harness_run(backend, what, size, settings))
    return {"runs": runs, "before_mib": before, "peak_mib": peak_mib()}


def _harness_run(backend: Any, what: Workload, size: int, settings: Settings) -> dict[str, Any]:
    from lm_eval.api.instance import Instance

    groups = rows_of_harness(backend, what)
    chosen = _fraction(groups, settings.fraction, settings.seed)
    places = [place for group in chosen for place in group.places]
    instances = [
        Instance("loglikelihood", {}, what.text(*place), number) for number, place in enumerate(sorted(places))
    ]  # fmt: skip
    pushed: list[int] = []
    hook = backend.model.register_forward_pre_hook(
        lambda _, args, kwargs: pushed.append((args[0] if args else kwargs["input_ids"]).numel()), with_kwargs=True
    )
    with timed() as clock:
        results = backend.loglikelihood(instances, disable_tqdm=True)
    hook.remove()
    expected = padded_tokens([group.inputs for group in chosen], size)
    if sum(pushed) != expected:
        raise RuntimeError(f"the harness pushed {sum(pushed)} tokens where {expected} were counted")
    return {
        "batch_size": size, "wall": clock.wall, "cpu": clock.cpu, "tokens": sum(pushed), "requests": len(instances),
        "all_tokens": padded_tokens([group.inputs for group in groups], size),
        "scores": [(*place, float(value), bool(greedy))
                   for place, (value, greedy) in zip(sorted(places), results, strict=True)],
    }  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Requests that the harness runs as one row: equal but for their last token."""

    inputs: int
    places: tuple[tuple[str, int, int], ...]


def rows_of_harness(backend: Any, what: Workload) -> list[Group]:
    """Return the rows that the harness makes of a workload."""
    rows: dict[tuple[int, ...], list[tuple[str, int, int]]] = {}
    for place in what.pairs:
        context, choice = backend._encode_pair(*what.text(*place))
        rows.setdefault(tuple((context + choice)[:-1]), []).append(place)
    return [Group(len(tokens), tuple(places)) for tokens, places in rows.items()]


def padded_tokens(lengths: Sequence[int], batch_size: int) -> int:
    """Return the tokens that go through the model: rows in descending order of length, padded in each batch."""
    ordered = sorted(lengths, reverse=True)
    batches = (ordered[start : start + batch_size] for start in range(0, len(ordered), batch_size))
    return sum(batch[0] * len(batch) for batch in batches)


def _fraction(groups: Sequence[Group], fraction: float, seed: int) -> list[Group]:
    if fraction >= 1:
        return list(groups)
    return random.Random(seed).sample(groups, max(8, round(fraction * len(groups))))


def _prepared(settings: Settings) -> tuple[Workload, Any, Any]:
    data = Path(settings.data)
    model = random_model(shape_of(settings.shape), settings.dtype, settings.device, settings.seed)
    return workload(settings.workload, data, settings.seed), pythia_tokenizer(data), model

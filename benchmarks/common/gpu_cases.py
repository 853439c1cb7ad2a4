"""One (shape, type) on one device: the tree with each attention kernel, the harness, and the load from disk."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.generated import PAPER, requests_of
from common.shapes import Shape, random_model, shape_of
from common.work import matrix_rates, synchronise, tree_operations
from trajectories.scoring.requests import Requests


@dataclass(frozen=True)
class Case:
    """What is measured, and how much of it."""

    shape: str
    dtype: str
    device: str
    fraction: float  # of each task's questions that the tree scores
    harness_rows: int  # rows of the paper's tasks, drawn at random, that the harness scores
    batch_sizes: tuple[int, ...]
    pack_tokens: int

    def __str__(self) -> str:
        return f"{self.shape} {self.dtype}"


def measure(case: Case) -> dict[str, Any]:
    """Return everything measured in one case, scaled to the paper's question counts where `all_` says so."""
    import torch

    shape = shape_of(case.shape)
    model = random_model(shape, case.dtype, case.device)
    tasks = {outline.name: sample(outline.name, case.fraction, shape.vocabulary) for outline in PAPER}
    proofs = _attempt(_trusted, case, model, tasks["memo_trap"])
    kernels = {name: _attempt(_tree, case, model, tasks, name) for name in ("sdpa", "flex")}
    rates = matrix_rates(shape, case.dtype, case.device, case.pack_tokens, repeats=5)
    rate = max(found.per_second for found in rates)
    ran = {name: found for name, found in kernels.items() if "error" not in found}
    best = min(ran, key=lambda name: ran[name]["seconds"]) if ran else None
    harness = _attempt(_harness, case, model, shape.vocabulary)
    apart = None
    if len(ran) == 2:
        one, other = (np.concatenate(ran[name].pop("scores")) for name in ("sdpa", "flex"))
        apart = float(np.abs(one - other).max())
    for found in ran.values():
        found.pop("scores", None)
    return {
        "shape": case.shape, "dtype": case.dtype, "fraction": case.fraction, "pack_tokens": case.pack_tokens,
        "kernels": kernels, "kernels_apart": apart,
        "fastest": best, "proofs": proofs, "matrix_tflops": rate / 1e12, "harness": harness,
        "of_matrix_rate": {name: found["operations"] / found["seconds"] / rate for name, found in ran.items()},
        "all_seconds": ran[best]["all_seconds"] if best else None,
        "times_faster": harness["all_seconds"] / ran[best]["all_seconds"] if best and "error" not in harness else None,
        "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if case.device.startswith("cuda") else None,
    }  # fmt: skip


def _attempt(measurement: Any, *args: Any) -> dict[str, Any]:
    """One kernel that does not compile, or a batch that does not fit, must not cost the rest of an expensive run."""
    try:
        found: dict[str, Any] = measurement(*args)
        return found
    except Exception as error:  # recorded in the results
        return {"error": f"{type(error).__name__}: {str(error)[:300]}"}


def sample(name: str, fraction: float, vocabulary: int) -> Requests:
    """Return a fraction of the questions of one of the paper's tasks, at least 8."""
    outline = next(outline for outline in PAPER if outline.name == name)
    wanted = min(outline.questions, max(8, round(fraction * outline.questions)))
    return requests_of(outline, vocabulary, seed=0, questions=wanted)


def _trusted(case: Case, model: Any, requests: Requests) -> dict[str, Any]:
    """Prove the model as a job does; one too large for a copy in float32 is held against its type's own noise."""
    from trajectories.scoring.check import trusted
    from trajectories.scoring.engine import Engine

    synchronise(case.device)
    start = time.perf_counter()
    made = trusted(Engine(model, pack_tokens=case.pack_tokens), requests)
    synchronise(case.device)
    seconds = time.perf_counter() - start
    scored = made.score(requests.rows(np.arange(min(8, len(requests)))))
    return {"kind": f"gpt_neox {case.shape}", "dtype": case.dtype, "way": scored.way, "proofs": dict(scored.proofs),
            "attention": "sdpa", "seconds": seconds, "noise": None, "distance": None}  # fmt: skip


def _tree(case: Case, model: Any, tasks: dict[str, Requests], kernel: str) -> dict[str, Any]:
    from trajectories.scoring.engine import Engine
    from trajectories.scoring.prefix_tree import build_tree

    engine = Engine(model, pack_tokens=case.pack_tokens, attention=kernel)
    engine.score(tasks["memo_trap"])  # compiles
    engine.score(tasks["redefine"])
    seconds: dict[str, float] = {}
    scores = []
    sums = operations = scaled = 0.0
    for outline in PAPER:
        requests = tasks[outline.name]
        synchronise(case.device)
        start = time.perf_counter()
        scored = engine.score(requests)
        synchronise(case.device)
        seconds[outline.name] = time.perf_counter() - start
        asked = int(requests.question.max()) + 1
        scaled += seconds[outline.name] * outline.questions / asked
        operations += tree_operations(build_tree(requests), shape_of(case.shape)).total
        sums += float(scored.loglikelihood.sum())
        scores.append(scored.loglikelihood)
    return {"seconds": sum(seconds.values()), "by_task": seconds, "operations": operations, "all_seconds": scaled,
            "sum_of_scores": sums, "scores": scores, "pack_tokens": engine.pack_tokens}  # fmt: skip


def pack_sizes(shape: str, dtype: str, device: str, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Return for each pack size how much of the matrix rate each kernel reaches on TruthfulQA's outline."""
    model, rate, tasks = _prepared(shape, dtype, device, max(sizes))
    return [
        {"size": size}
        | {key: value for kernel in ("sdpa", "flex") for key, value in _share(model, shape, tasks, kernel, size, rate)}
        for size in sizes
    ]


def piece_sizes(shape: str, dtype: str, device: str, pack_tokens: int, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Return for each size of a piece of attention how much of the matrix rate SDPA reaches."""
    from trajectories.scoring import attention

    model, rate, tasks = _prepared(shape, dtype, device, pack_tokens)
    before, found = dict(attention.PIECE_TOKENS), []
    try:
        for size in sizes:
            attention.PIECE_TOKENS[device] = size
            found.append({"size": size} | dict(_share(model, shape, tasks, "sdpa", pack_tokens, rate)))
    finally:
        attention.PIECE_TOKENS.update(before)
    return found


def _prepared(shape: str, dtype: str, device: str, rows: int) -> tuple[Any, float, dict[str, Requests]]:
    size = shape_of(shape)
    model = random_model(size, dtype, device)
    tasks = {"truthfulqa": sample("truthfulqa", 0.0 if device == "cpu" else 0.5, size.vocabulary)}
    return model, max(found.per_second for found in matrix_rates(size, dtype, device, rows, repeats=3)), tasks


def _share(
    model: Any, shape: str, tasks: dict[str, Requests], kernel: str, pack_tokens: int, rate: float
) -> list[tuple[str, Any]]:
    from trajectories.scoring.engine import Engine
    from trajectories.scoring.prefix_tree import build_tree

    device, requests = str(model.device), tasks["truthfulqa"]
    try:
        engine = Engine(model, pack_tokens=pack_tokens, attention=kernel)
        engine.score(requests)  # compiles
        synchronise(device)
        start = time.perf_counter()
        engine.score(requests)
        synchronise(device)
        seconds = time.perf_counter() - start
    except Exception as error:  # recorded in the results
        return [(f"{kernel}_error", f"{type(error).__name__}: {str(error)[:100]}")]
    finally:
        release(device)
    return [(kernel, tree_operations(build_tree(requests), shape_of(shape)).total / seconds / rate)]


def _harness(case: Case, model: Any, vocabulary: int) -> dict[str, Any]:
    """Score randomly drawn rows with the harness's backend at several batch sizes; scale the best by tokens."""
    from lm_eval.models.huggingface import HFLM

    rows, all_tokens = _rows(case.harness_rows, vocabulary)
    backend = HFLM(pretrained=model, tokenizer=_no_tokenizer(), batch_size=1, device=case.device)
    runs = []
    for size in case.batch_sizes:
        backend.batch_size_per_gpu = size
        backend._loglikelihood_tokens(rows[: 2 * size], disable_tqdm=True)
        synchronise(case.device)
        start = time.perf_counter()
        try:
            backend._loglikelihood_tokens(rows, disable_tqdm=True)
        except RuntimeError as error:
            if "memory" not in str(error):
                raise
            break  # larger ones will not fit either
        synchronise(case.device)
        runs.append((time.perf_counter() - start, size))
    seconds, size = min(runs)
    tokens = sum(len(context) + len(choice) - 1 for _, context, choice in rows)
    return {"batch_size": size, "seconds": seconds, "tokens": tokens, "all_tokens": all_tokens,
            "all_seconds": seconds * all_tokens / tokens, "tried": {tried: taken for taken, tried in runs}}  # fmt: skip


def _rows(count: int, vocabulary: int) -> tuple[list[tuple[tuple[str, str], list[int], list[int]]], int]:
    """Return rows drawn at random over all tasks as the harness takes them, and the tokens of all rows."""
    draw = np.random.default_rng(0)
    # where a choice is one token, the harness itself runs one row per question
    rows_of = np.array([o.questions * (o.choices if o.counted > 1 else 1) for o in PAPER])
    lengths = np.array([o.preamble + o.context + o.counted - 1 for o in PAPER])
    rows = []
    for task in draw.choice(len(PAPER), size=count, p=rows_of / rows_of.sum()):
        outline = PAPER[task]
        context = draw.integers(vocabulary, size=outline.preamble + outline.context).tolist()
        rows.append((("", ""), context, draw.integers(vocabulary, size=outline.counted).tolist()))
    return rows, int((rows_of * lengths).sum())


def _no_tokenizer() -> Any:
    """The harness wants a tokenizer; it is given token ids."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.WordLevel({"<|endoftext|>": 0}, unk_token="<|endoftext|>"))
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|endoftext|>", bos_token="<|endoftext|>")


def load_seconds(shape: Shape, dtype: str, device: str) -> float:
    """Return how long a checkpoint of `shape` takes from a local disk to the device, in seconds."""
    from trajectories.scoring.load import load_model

    with tempfile.TemporaryDirectory() as folder:
        random_model(shape, dtype, device).save_pretrained(folder)
        release(device)
        start = time.perf_counter()
        model = load_model(Path(folder), dtype, device)
        synchronise(device)
        del model
        return time.perf_counter() - start


def release(device: str) -> None:
    """Give the memory of dropped models back."""
    import gc

    import torch

    gc.collect()
    if device.startswith("cuda"):
        torch._dynamo.reset()  # a job compiles for one model; here several must not use up the compiler's limit
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def between(known: Sequence[tuple[float, float]], x: float) -> float:
    """Return y at x on the straight line, in logarithms, through the known points nearest to it."""
    xs, ys = (np.log([point[axis] for point in sorted(known)]) for axis in (0, 1))
    return float(np.exp(np.interp(np.log(x), xs, ys)))

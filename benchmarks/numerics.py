"""How far half precision is from float32 on real questions, and how many answers change.

    python benchmarks/numerics.py --data FOLDER [--device cuda]
    python benchmarks/numerics.py --checkpoints FOLDER ... --questions FILE.parquet ...

Scores Memo Trap and TruthfulQA, or the questions of a study, in float32, then in bfloat16 and float16 (softmax in
float32), and with the softmax, too, in the model's own type. Checkpoints are folders with weights and a tokenizer;
without any the model has pythia-70m's shape and random weights.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common.machine import in_words, machine
from common.report import RESULTS, table, today, write_results
from common.shapes import random_model, shape_of
from common.workloads import HARNESS, Workload, pythia_tokenizer, workload

from trajectories.questions.stored import read_questions

WAYS = (("bfloat16", "float32"), ("float16", "float32"), ("bfloat16", "model"), ("float16", "model"))
HEADER = ["weights", "task", "type", "softmax", "median difference, nats", "largest", "greedy flags changed",
          "answers changed", "distinct scores"]  # fmt: skip


def main() -> None:
    """Compare each type with float32 and write the results."""
    args = _arguments()
    described = machine()
    rows = [row for name, load, tokens in _models(args) for row in _of_model(name, load, tokens, args)]
    text = (
        f"# Half precision against float32, {today()}\n\n{in_words(described)}; device {args.device}. *Answers "
        f"changed*: questions whose most probable choice is another than in float32.\n\n{table(HEADER, rows)}\n"
    )
    keyed = [dict(zip(HEADER, row, strict=True)) for row in rows]
    name = "numerics-trained" if args.checkpoints else "numerics-random"
    write_results(name, {"machine": described, "device": args.device, "rows": keyed}, text, args.results)


def _models(args: argparse.Namespace) -> Iterator[tuple[str, Any, Any]]:
    """Yield (name, function from type to model, tokenizer)."""
    from trajectories.scoring.load import load_model, load_tokenizer

    if not args.checkpoints:
        yield "random, 70m shape", lambda dtype: _random(dtype, args.device), pythia_tokenizer(args.data)
    for folder in args.checkpoints:
        name = f"{folder.parent.name} {folder.name}"
        yield name, lambda dtype, f=folder: load_model(f, dtype, args.device), load_tokenizer(folder)


def _random(dtype: str, device: str) -> Any:
    """Draw the weights in float32, so that every type rounds the same ones."""
    import torch

    return random_model(shape_of("70m"), "float32", device).to(getattr(torch, dtype))


def _of_model(name: str, load: Any, tokens: Any, args: argparse.Namespace) -> Iterator[list[object]]:
    from trajectories.scoring.encode import encode

    for what in _tasks(args):
        requests = encode(what.questions, what.delimiters, tokens, HARNESS)
        exact = _scores(load("float32"), requests, "float32")
        for dtype, softmax in WAYS:
            found = _scores(load(dtype), requests, softmax)
            yield [name, what.name, dtype, softmax, *_distance(exact, found)]


def _tasks(args: argparse.Namespace) -> list[Workload]:
    if args.questions:
        tasks = {file.stem: read_questions(file) for file in args.questions}
        some = {name: found[:: args.every] for name, found in tasks.items()}
        return [Workload("all of the study", some, dict.fromkeys(tasks, ""))]
    memo, truthful = (workload(name, args.data) for name in ("memo_trap", "truthfulqa"))
    return [_every(memo, args.every), _every(truthful, args.every * 4)]


def _every(what: Workload, step: int) -> Workload:
    return Workload(what.name, {name: found[::step] for name, found in what.questions.items()}, what.delimiters)


def _scores(model: Any, requests: Any, softmax: str) -> Any:
    from trajectories.scoring.engine import Engine
    from trajectories.scoring.scores import score_table

    return score_table(Engine(model, softmax, 1024, "sdpa").score(requests))


def _distance(exact: Any, found: Any) -> list[object]:
    gap = np.abs(found["loglikelihood"].to_numpy() - exact["loglikelihood"].to_numpy())
    greedy = int((found["is_greedy"] != exact["is_greedy"]).sum())
    answers = [table.loc[table.groupby(["task", "question"]).loglikelihood.idxmax(), "choice"].to_numpy()
               for table in (exact, found)]  # fmt: skip
    changed = int((answers[0] != answers[1]).sum())
    distinct = f"{found['loglikelihood'].nunique()} of {exact['loglikelihood'].nunique()}"
    return [f"{np.median(gap):.2g}", f"{gap.max():.2g}", f"{greedy} of {len(exact)}", f"{changed} of {len(answers[0])}",
            distinct]  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with truthfulqa/, memo_trap/ and tokenizer/")
    parser.add_argument("--checkpoints", type=Path, nargs="*", default=[])
    parser.add_argument("--questions", type=Path, nargs="*", default=[], help="question files of a study")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--every", type=int, default=1, help="take every nth question of Memo Trap, every 4nth of TruthfulQA"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    if args.data is None and not (args.checkpoints and args.questions):
        parser.error("give --data, or both --checkpoints and --questions")
    return args


if __name__ == "__main__":
    main()

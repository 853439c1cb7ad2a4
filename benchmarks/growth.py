"""How scoring grows: seconds against tokens in the tree. It should be a straight line.

    python benchmarks/growth.py [--largest 200000]

Questions in TruthfulQA's outline, of random tokens, under pythia-70m's shape. Writes a table, a figure, and the slope
between neighbouring sizes.
"""

import argparse
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

from common.generated import PAPER, requests_of
from common.machine import in_words, machine
from common.report import RESULTS, table, today
from common.shapes import random_model, shape_of
from common.sides import peak_mib, timed

from trajectories.files import whole_file, write_text
from trajectories.scoring.engine import PACK_TOKENS, Engine
from trajectories.scoring.prefix_tree import build_tree
from trajectories.scoring.requests import Requests

SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
OUTLINE = next(outline for outline in PAPER if outline.name == "truthfulqa")
PER_QUESTION = OUTLINE.context + OUTLINE.choices * (OUTLINE.counted - 1)
COLUMNS = ("tokens", "requests", "pack_tokens", "wall_s", "cpu_s", "building_s", "peak_mib")


def main() -> None:
    """Measure, then write table, figure and text."""
    args = _arguments()
    described = machine()
    engine = _engine(args)
    sizes = [size for size in SIZES if size <= args.largest]
    engine.score(_requests(sizes[0]))  # the first run fills caches
    rows = [_measured(engine, size, args.repeats) for size in sizes]
    stem = args.results / f"growth-{today()}"
    write_text(stem.with_suffix(".tsv"), "\n".join("\t".join(map(str, row)) for row in [COLUMNS, *rows]) + "\n")
    write_text(stem.with_suffix(".md"), _text(rows, described, args.threads))
    _draw(rows, stem)
    print(_text(rows, described, args.threads))


def _engine(args: argparse.Namespace) -> Engine:
    import torch

    torch.set_num_threads(args.threads)
    return Engine(random_model(shape_of(args.shape), "float32", "cpu"), pack_tokens=PACK_TOKENS["cpu"])


def _requests(tokens: int) -> Requests:
    questions = max(1, round((tokens - OUTLINE.preamble) / PER_QUESTION))
    return requests_of(OUTLINE, 50304, seed=0, questions=questions)


def _measured(engine: Engine, size: int, repeats: int) -> tuple[Any, ...]:
    requests = _requests(size)
    with timed() as building:
        tree = build_tree(requests)
    runs = []
    for _ in range(repeats if size <= 20_000 else 1):
        with timed() as clock:
            scored = engine.score(requests)
        runs.append(clock)
    wall, cpu = min(run.wall for run in runs), min(run.cpu for run in runs)
    row = (
        tree.nodes,
        len(requests),
        scored.pack_tokens,
        *(round(s, 3) for s in (wall, cpu, building.cpu)),
        round(peak_mib()),
    )
    print(*row, flush=True)
    return row


def slopes(rows: list[tuple[Any, ...]], column: str) -> list[float]:
    """Return seconds per million further tokens, between neighbouring sizes."""
    k = COLUMNS.index(column)
    return [1e6 * (b[k] - a[k]) / (b[0] - a[0]) for a, b in pairwise(rows)]


def _text(rows: list[tuple[Any, ...]], described: dict[str, Any], threads: int) -> str:
    wall, cpu = (["", *(f"{slope:.0f}" for slope in slopes(rows, column))] for column in ("wall_s", "cpu_s"))
    shown = [[row[0], row[3], row[4], wall[k], cpu[k], row[5], row[6]] for k, row in enumerate(rows)]
    header = ["tokens in the tree", "wall s", "CPU s", "wall s per further million", "CPU s per further million"]
    return (
        f"# Seconds against tokens in the tree, {today()}\n\n{in_words(described)}; {threads} threads, float32, "
        "pythia-70m's shape, random weights, questions in TruthfulQA's outline. *Building*: comparing neighbours, "
        f"which scoring includes.\n\n{table([*header, 'building s', 'peak MiB'], shown)}\n"
    )


def _draw(rows: list[tuple[Any, ...]], stem: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 3.2), layout="constrained")
    axes = figure.subplots()
    tokens = [row[0] for row in rows]
    for column, marker in (("wall_s", "o"), ("cpu_s", "s")):
        seconds = [row[COLUMNS.index(column)] for row in rows]
        axes.plot(tokens, seconds, marker=marker, markersize=4, label=column.replace("_s", " seconds"))
    axes.set(xscale="log", yscale="log", xlabel="tokens in the tree", ylabel="seconds")
    axes.legend(frameon=False)
    for ending in ("png", "svg"):
        with whole_file(stem.with_suffix(f".{ending}")) as part:
            figure.savefig(part, format=ending, dpi=150)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeats", type=int, default=3, help="runs of the small sizes, of which the fastest counts")
    parser.add_argument("--shape", default="70m")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


if __name__ == "__main__":
    main()

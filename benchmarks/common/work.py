"""How many operations a tree needs, and how fast this machine multiplies matrices: together, how fast it could be."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, harmonic_mean
from typing import Any

import numpy as np

from common.shapes import Shape
from trajectories.scoring.prefix_tree import PrefixTree, build_pack


@dataclass(frozen=True)
class Operations:
    """Floating-point operations (two per multiply-add) of the matrix products a tree needs, nothing run twice."""

    linear: float
    attention: float  # of each node over its ancestors and itself
    head: float  # at the nodes that predict a counted token
    nodes: int
    wanted: int

    @property
    def total(self) -> float:
        """All of them."""
        return self.linear + self.attention + self.head


def tree_operations(tree: PrefixTree, shape: Shape) -> Operations:
    """Count the operations of one pass over the whole tree."""
    pack = build_pack(tree, 0, len(tree.requests))
    nodes, wanted = tree.root + len(pack.tokens), len(pack.wanted)
    attended = tree.root * (tree.root + 1) // 2 + int((pack.depth.astype(np.int64) + 1).sum())
    return Operations(
        linear=2.0 * nodes * shape.body,
        attention=4.0 * attended * shape.hidden * shape.layers,
        head=2.0 * wanted * shape.head,
        nodes=nodes,
        wanted=wanted,
    )


@dataclass(frozen=True)
class Rate:
    """Operations per second of a product [rows, inner] x [inner, columns]: at the best moment, and on the whole."""

    rows: int
    inner: int
    columns: int
    per_second: float  # best of several short measurements
    per_cpu_second: float
    sustained: float  # all of them together: a shared machine's best moment is no measure of a long run
    sustained_cpu: float


def matrix_rates(shape: Shape, dtype: str, device: str, rows: int, repeats: int = 12) -> list[Rate]:
    """Time the products a pack of `rows` tokens consists of: those of one layer, and a block of the head."""
    import torch

    kinds = [(shape.hidden, 3 * shape.hidden), (shape.hidden, shape.hidden), (shape.hidden, 4 * shape.hidden)]
    kinds += [(4 * shape.hidden, shape.hidden), (shape.hidden, min(shape.vocabulary, 16384))]
    found = []
    for inner, columns in kinds:
        options: dict[str, Any] = {"dtype": getattr(torch, dtype), "device": device}
        left, right = torch.randn(rows, inner, **options), torch.randn(columns, inner, **options)
        timed = _timed(lambda a=left, b=right: torch.nn.functional.linear(a, b), device, repeats)  # type: ignore[misc]
        wall, cpu = ([max(seconds, 1e-9) for seconds in clock] for clock in zip(*timed, strict=True))
        work = 2.0 * rows * inner * columns
        both = (work / min(wall), work / min(cpu), work / fmean(wall), work / fmean(cpu))
        found.append(Rate(rows, inner, columns, *both))
    return found


def over_both(before: Sequence[Rate], after: Sequence[Rate]) -> list[Rate]:
    """Join two measurements of the same products, made before and after a run: the better best, the mean time."""
    return [
        replace(
            first,
            per_second=max(first.per_second, second.per_second),
            per_cpu_second=max(first.per_cpu_second, second.per_cpu_second),
            sustained=harmonic_mean([first.sustained, second.sustained]),
            sustained_cpu=harmonic_mean([first.sustained_cpu, second.sustained_cpu]),
        )
        for first, second in zip(before, after, strict=True)
    ]


def _timed(run: Callable[[], Any], device: str, repeats: int) -> list[tuple[float, float]]:
    """Return (wall, CPU) seconds of a call, several times; calls are batched so that a measurement takes some time."""
    run()
    calls = max(1, int(0.02 / max(_seconds(run, device, 1)[0], 1e-6)))
    return [_seconds(run, device, calls) for _ in range(repeats)]


def _seconds(run: Callable[[], Any], device: str, calls: int) -> tuple[float, float]:
    synchronise(device)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(calls):
        run()
    synchronise(device)
    return (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls


def synchronise(device: str) -> None:
    """Wait for the device to finish what it was told."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize()

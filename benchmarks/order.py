"""How many planted faults `consistency` finds, and how many honest checkpoints it flags.

    python benchmarks/order.py results/demo

needs a finished demo: its suite's folders and requests. Every checkpoint is scored on 80 questions of each task, as are
mixtures made by editing the folders' weights: half of a checkpoint's tensors from another one, the first half, the
second, or every other. Swapped, repeated and late checkpoints are made from these scores; simulated paths are added.
Faults count twice: all of them, and those that moved the scores by at least the model's usual gap between neighbours,
since less is within what a step more or less does. Prints the table of docs/checkpoints.md.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.paths import simulated_path
from trajectories.analysis.order import strays, usual_gap
from trajectories.analysis.score_vectors import distances, distances_by

Values = np.ndarray[Any, np.dtype[np.float64]]
QUESTIONS = 80
MIXTURES = ("first half", "second half", "every other")
Tasks = np.ndarray[Any, Any]
Case = tuple[str, Values, Values, tuple[int, ...]]  # kind, right values, wrong values, which are wrong


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="results folder of a finished demo")
    parser.add_argument("--paths", type=int, default=300, help="simulated paths of each kind and length")
    arguments = parser.parse_args()
    random = np.random.default_rng(1)
    print("| | flagged | of those that moved a gap or more | 1.5 gaps or more |\n|---|---|---|---|")
    suite = list(scored_suite(arguments.demo))
    tasks = suite[0][2]
    for name, subset in (("demo", None), ("demo, 8 of 11 steps", 8)):
        report(name, (case for values, mixed, _ in suite for case in of_suite(values, mixed, subset, random)), tasks)
        drawn = [chosen(values, subset, random)[0] for values, _, _ in suite for _ in range(50 if subset else 1)]
        report_honest(name, drawn, tasks)
    for count in (8, 11, 24):
        report(f"simulated, {count} steps", simulated_faults(count, arguments.paths, random))
        for kind in ("path", "plateau", "flat"):
            levels = random.choice([0.02, 0.1, 0.3, 1.0], arguments.paths)
            paths = [simulated_path(random, count, kind, level) for level in levels]
            report_honest(f"simulated {kind}, {count} steps", paths)


def scored_suite(demo: Path) -> Iterator[tuple[Values, dict[tuple[int, str], Values], Tasks]]:
    """Yield each model's contrasts [steps, choices], those of its mixtures by (place, kind), and the choices' tasks."""
    import torch
    from safetensors.torch import load_file

    from trajectories.scoring.engine import Engine
    from trajectories.scoring.load import load_model
    from trajectories.scoring.requests import read_requests

    torch.set_num_threads(1)
    requests = [read_requests(path) for path in sorted(next((demo / "requests").iterdir()).glob("*.safetensors"))]
    requests = [part.rows(np.flatnonzero(part.question < QUESTIONS)) for part in requests]
    questions = np.concatenate([part.question + 10**6 * place for place, part in enumerate(requests)])
    for folder in sorted(path for path in (demo / "suite").glob("pocket-*")):
        steps = sorted(folder.glob("step*"), key=lambda path: int(path.name[4:]))
        model = load_model(steps[-1], "float32", "cpu")
        engine = Engine(model, "float32", 2048)
        weights = [load_file(step / "model.safetensors") for step in steps]

        def contrasts(tensors: dict[str, Any], model: Any = model, engine: Any = engine) -> Values:
            model.load_state_dict(tensors, strict=False)
            scores = np.concatenate([engine.score(part).loglikelihood for part in requests])
            _, question = np.unique(questions, return_inverse=True)
            return np.asarray(scores - (np.bincount(question, scores) / np.bincount(question))[question])

        names = [name for name in model.state_dict() if name in weights[0]]
        half = len(names) // 2
        parts = dict(zip(MIXTURES, (set(names[:half]), set(names[half:]), set(names[::2])), strict=True))
        mixed = {
            (place, kind): contrasts({name: (other if name in part else own)[name] for name in names})
            for place, own in enumerate(weights)
            for other in [weights[-1] if place < len(weights) - 1 else weights[0]]
            for kind, part in parts.items()
        }
        yield np.stack([contrasts(tensors) for tensors in weights]), mixed, questions // 10**6
        print(f"scored {folder.name} and {len(mixed)} mixtures", file=sys.stderr)


def chosen(values: Values, subset: int | None, random: np.random.Generator) -> tuple[Values, list[int]]:
    """Return some of the checkpoints, and which."""
    places = sorted(random.choice(len(values), subset or len(values), replace=False).tolist())
    return values[places], places


def of_suite(
    values: Values, mixed: dict[tuple[int, str], Values], subset: int | None, random: np.random.Generator
) -> Iterator[Case]:
    """Yield every fault planted in one model of the suite."""
    right, places = chosen(values, subset, random)
    count = len(right)
    for wrong in range(count):
        for other in range(count):
            if other == wrong:
                continue
            yield "repeated", right, replaced(right, {wrong: right[other]}), (wrong,)
            if other > wrong:
                exchanged = replaced(right, {wrong: right[other], other: right[wrong]})
                yield "swapped", right, exchanged, (wrong, other)
        if wrong < count // 2:
            late = (right[-1] + right[-2]) / 2
            yield "late under an early name", right, replaced(right, {wrong: late}), (wrong,)
        for kind in MIXTURES:
            end = " at an end" if wrong in (0, count - 1) else ""
            yield f"half-shard{end}", right, replaced(right, {wrong: mixed[places[wrong], kind]}), (wrong,)


def simulated_faults(count: int, paths: int, random: np.random.Generator) -> Iterator[Case]:
    """Yield faults planted in simulated paths, one of each kind per path."""
    for _ in range(paths):
        right = simulated_path(random, count, noise=float(random.choice([0.02, 0.1])))
        one, other = sorted(random.choice(count, 2, replace=False).tolist())
        yield "swapped", right, replaced(right, {one: right[other], other: right[one]}), (one, other)
        yield "repeated", right, replaced(right, {one: right[other]}), (one,)
        early = int(random.integers(0, count // 2))
        late = (right[-1] + right[-2]) / 2
        yield "late under an early name", right, replaced(right, {early: late}), (early,)


def replaced(values: Values, by_place: dict[int, Values]) -> Values:
    """Return the values with some rows replaced."""
    changed = values.copy()
    for place, row in by_place.items():
        changed[place] = row
    return changed


def judged(values: Values, tasks: Tasks | None) -> set[int]:
    """Return which checkpoints are flagged."""
    return set(strays(distances(values), None if tasks is None else distances_by(values, tasks)).places)


def report(name: str, cases: Iterator[Case], tasks: Tasks | None = None) -> None:
    """Print a row per kind of fault."""
    found: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for kind, right, wrong, places in cases:
        moved = np.sqrt(((wrong - right)[list(places)] ** 2).mean(axis=1)).min()
        gaps = float(moved / usual_gap(distances(right), range(len(right))))
        found[kind].append((gaps, set(places) <= judged(wrong, tasks)))
    for kind, verdicts in found.items():
        parts = [[flagged for gaps, flagged in verdicts if gaps >= least] for least in (0, 1, 1.5)]
        cells = " | ".join(f"{np.mean(part):.1%} of {len(part)}" if part else "" for part in parts)
        print(f"| {name}: {kind} | {cells} |", flush=True)


def report_honest(name: str, paths: list[Values], tasks: Tasks | None = None) -> None:
    """Print a row on honest checkpoints."""
    flagged, total = sum(len(judged(values, tasks)) for values in paths), sum(len(values) for values in paths)
    print(f"| {name}: honest checkpoints | {flagged / total:.2%} of {total} | | |", flush=True)


if __name__ == "__main__":
    main()

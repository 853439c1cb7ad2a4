"""How many planted faults `consistency` finds, and how many honest checkpoints it flags.

    python benchmarks/order.py results/demo results/demo-2

needs finished demos, one or more (the second from another seed): their suites' folders and requests. Every checkpoint
is scored on 140 choices of each task, as are mixtures made by editing the folders' weights: for every two steps of a
model, half of the one's tensors replaced by the other's, the first half, the second, every other or some. Swapped,
repeated and late checkpoints are made from these scores; simulated paths are added. Faults count three times: all of
them, and those that moved the scores by half the model's usual gap between neighbours, or by all of it. Prints the
table of docs/checkpoints.md.
"""

import argparse
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.paths import simulated_path
from trajectories.analysis.order import strays, usual_gap
from trajectories.analysis.score_vectors import distances

Values = np.ndarray[Any, np.dtype[np.float64]]
Case = tuple[str, "Run", "Run", tuple[int, ...]]  # kind, right, wrong, which checkpoints are wrong
CHOICES = 140  # of each task
MIXTURES = ("first half", "second half", "every other", "random half")
NOISE = (0.02, 0.1, 0.3, 1.0)  # of simulated paths, in gaps between neighbours
MOVED = (0, 0.5, 1)  # in usual gaps


@dataclass(frozen=True)
class Run:
    """Checkpoints of one model: `values` [steps, choices], and their `losses` [steps] on texts where there are any."""

    values: Values
    losses: Values | None = None

    def replaced(self, by_place: Mapping[int, "Run"]) -> "Run":
        """Return the run with some checkpoints replaced by (the first checkpoint of) others."""
        values = self.values.copy()
        losses = None if self.losses is None else self.losses.copy()
        for place, other in by_place.items():
            values[place] = other.values[0]
            if losses is not None and other.losses is not None:
                losses[place] = other.losses[0]
        return Run(values, losses)

    def rows(self, places: list[int]) -> "Run":
        """Return some of the checkpoints."""
        return Run(self.values[places], None if self.losses is None else self.losses[places])

    def late(self) -> "Run":
        """Return what lies between the last two checkpoints."""
        return Run(*(None if x is None else x[-2:].mean(axis=0)[None] for x in (self.values, self.losses)))

    def flagged(self) -> set[int]:
        """Return which checkpoints are flagged."""
        return set(strays(distances(self.values), self.losses).places)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demos", type=Path, nargs="+", help="results folders of finished demos")
    parser.add_argument("--paths", type=int, default=300, help="simulated paths of each kind and length")
    arguments = parser.parse_args()
    random = np.random.default_rng(1)
    print("| | flagged | of those that moved half a gap or more | a gap or more |\n|---|---|---|---|")
    tabulate([model for demo in arguments.demos for model in scored_suite(demo, random)], arguments.paths, random)


def tabulate(suite: list[tuple[Run, dict[tuple[int, int], Run]]], paths: int, random: np.random.Generator) -> None:
    """Print the table's rows: models of suites with their mixtures, then so many simulated paths of each kind."""
    for name, count, times in (("demo", 11, 1), ("demo, 8 of 11 steps", 8, 4)):
        draws = [(run, mixed, drawn(count, random)) for run, mixed in suite for _ in range(times)]
        report(name, (case for run, mixed, places in draws for case in of_suite(run, mixed, places)))
        report_honest(name, [run.rows(drawn(count, random)) for run, _ in suite for _ in range(50 if times > 1 else 1)])
    for count in (8, 11):
        report(f"simulated, {count} steps", simulated_faults(count, paths, random))
        for kind in ("path", "plateau", "flat"):
            honest = [Run(simulated_path(random, count, kind, level)) for level in NOISE for _ in range(paths)]
            report_honest(f"simulated {kind}, {count} steps", honest)
        loud = [Run(simulated_path(random, count, "path", 1.0)) for _ in range(paths)]
        report_honest(f"simulated path whose noise is a whole gap, {count} steps", loud)


class Scorer:
    """Scores weights of one model on a sample of the demo's questions."""

    def __init__(self, folder: Path, files: list[Path]) -> None:
        from trajectories.scoring.engine import Engine
        from trajectories.scoring.load import load_model
        from trajectories.scoring.requests import read_requests

        self.folder, self.load = folder, load_model
        self.model = load_model(folder, "float32", "cpu")
        self.engine = Engine(self.model, "float32", 2048)
        self.requests = [part.rows(sampled(part)) for part in map(read_requests, files)]
        place = np.concatenate([part.question + 10**6 * number for number, part in enumerate(self.requests)])
        _, self.question = np.unique(place, return_inverse=True)
        self.tokens = np.concatenate([part.counted for part in self.requests])
        self.text = (np.bincount(self.question) == 1)[self.question]

    def __call__(self, tensors: dict[str, Any]) -> Run:
        """Return one checkpoint: a folder with these weights is written and read."""
        from safetensors.torch import save_file

        with tempfile.TemporaryDirectory() as edited:
            shutil.copy(self.folder / "config.json", edited)
            save_file(tensors, Path(edited) / "model.safetensors", {"format": "pt"})
            self.model.load_state_dict(self.load(edited, "float32", "cpu").state_dict())  # all of it, or it raises
        scores = np.concatenate([self.engine.score(part).loglikelihood for part in self.requests])
        means = (np.bincount(self.question, scores) / np.bincount(self.question))[self.question]
        values = np.where(self.text, scores / self.tokens, scores - means)[None]
        return Run(values, -values[:, self.text].mean(axis=1))


def scored_suite(demo: Path, random: np.random.Generator) -> Iterator[tuple[Run, dict[tuple[int, int], Run]]]:
    """Yield each model's checkpoints and, for every two places, a mixture of them."""
    import torch
    from safetensors.torch import load_file

    torch.set_num_threads(1)
    for folder in sorted(path for path in (demo / "suite").glob("pocket-*")):
        steps = sorted(folder.glob("step*"), key=lambda path: int(path.name[4:]))
        scored = Scorer(steps[-1], sorted((demo / "requests" / f"of-{folder.name}").glob("*.safetensors")))
        weights = [load_file(step / "model.safetensors") for step in steps]
        runs = [scored(tensors) for tensors in weights]
        mixed = {}
        for one, own in enumerate(weights):
            for two in [two for two in range(len(weights)) if two != one]:
                part = half(list(own), str(random.choice(MIXTURES)), random)
                mixed[one, two] = scored({name: (weights[two] if name in part else own)[name] for name in own})
        losses = np.concatenate([run.losses for run in runs if run.losses is not None])
        yield Run(np.concatenate([run.values for run in runs]), losses), mixed
        print(f"scored {folder.name} and {len(mixed)} mixtures", file=sys.stderr)


def sampled(requests: Any) -> np.ndarray[Any, Any]:
    """Return the rows of questions at even distances, about `CHOICES` rows of each task."""
    chosen = np.zeros(len(requests), bool)
    for task in np.unique(requests.task):
        rows = requests.task == task
        questions = np.unique(requests.question[rows])
        most = min(len(questions), max(1, CHOICES * len(questions) // int(rows.sum())))
        chosen |= rows & np.isin(requests.question, questions[np.linspace(0, len(questions) - 1, most).astype(int)])
    return np.flatnonzero(chosen)


def half(names: list[str], kind: str, random: np.random.Generator) -> set[str]:
    """Return the names of half of the tensors."""
    middle = len(names) // 2
    by_kind = {"first half": names[:middle], "second half": names[middle:], "every other": names[::2]}
    return set(by_kind.get(kind) or random.permutation(names)[:middle].tolist())


def drawn(count: int, random: np.random.Generator, of: int = 11) -> list[int]:
    """Return the places of some checkpoints, in order."""
    return sorted(random.choice(of, count, replace=False).tolist())


def of_suite(run: Run, mixed: Mapping[tuple[int, int], Run], places: list[int]) -> Iterator[Case]:
    """Yield every fault planted in some checkpoints of one model of the suite."""
    right = run.rows(places)
    count = len(places)
    for wrong in range(count):
        for other in [other for other in range(count) if other != wrong]:
            yield "repeated", right, right.replaced({wrong: right.rows([other])}), (wrong,)
            if other > wrong:
                exchanged = right.replaced({wrong: right.rows([other]), other: right.rows([wrong])})
                yield "swapped", right, exchanged, (wrong, other)
        if wrong < count // 2:
            yield "late under an early name", right, right.replaced({wrong: right.late()}), (wrong,)
        for two in [two for two in range(len(run.values)) if two != places[wrong]]:
            end = " at an end" if wrong in (0, count - 1) else ""
            yield (
                f"half-shard of any other step{end}",
                right,
                right.replaced({wrong: mixed[places[wrong], two]}),
                (wrong,),
            )


def simulated_faults(count: int, paths: int, random: np.random.Generator) -> Iterator[Case]:
    """Yield faults planted in simulated paths, one of each kind per path."""
    for _ in range(paths):
        right = Run(simulated_path(random, count, noise=float(random.choice([0.02, 0.1]))))
        one, other = drawn(2, random, count)
        exchanged = right.replaced({one: right.rows([other]), other: right.rows([one])})
        yield "swapped", right, exchanged, (one, other)
        yield "repeated", right, right.replaced({one: right.rows([other])}), (one,)
        early = int(random.integers(0, count // 2))
        yield "late under an early name", right, right.replaced({early: right.late()}), (early,)


def report(name: str, cases: Iterator[Case]) -> None:
    """Print a row per kind of fault."""
    found: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for kind, right, wrong, places in cases:
        moved = np.sqrt(((wrong.values - right.values)[list(places)] ** 2).mean(axis=1)).min()
        gaps = float(moved / usual_gap(distances(right.values), range(len(right.values))))
        found[kind].append((gaps, set(places) <= wrong.flagged()))
    for kind, verdicts in found.items():
        parts = [[flagged for gaps, flagged in verdicts if gaps >= least] for least in MOVED]
        cells = " | ".join(f"{np.mean(part):.1%} of {len(part)}" if part else "" for part in parts)
        print(f"| {name}: {kind} | {cells} |", flush=True)


def report_honest(name: str, runs: list[Run]) -> None:
    """Print a row on honest checkpoints."""
    flagged, total = sum(len(run.flagged()) for run in runs), sum(len(run.values) for run in runs)
    print(f"| {name}: honest checkpoints | {flagged / total:.2%} of {total} | | |", flush=True)


if __name__ == "__main__":
    main()

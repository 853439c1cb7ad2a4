"""What it costs to score many small checkpoints: a job for each, as with `checkpoints_per_job: 1`, against batches.

    python benchmarks/jobs.py [--tiny 300] [--suite results/demo/suite] [--sample 20]

Both ways run through Snakemake, one after the other, on the same checkpoints and cores: first with nothing scored, then
with everything in the store and the scores files gone. The old way is run on a sample of the checkpoints (spread evenly
over models and steps) and reckoned up, since each of its jobs is the same as the next; Snakemake's own start, measured
by a run with nothing to do, is counted once. `--suite` is the demo's trained suite; without it only tiny models are
scored.
"""

import argparse
import csv
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from common.machine import in_words, machine
from common.report import table, write_results
from common.shapes import Shape, random_model

PROJECT = Path(__file__).resolve().parents[1]
TINY = Shape(32, 2, 4, 1024)
COLORS = ("red", "blue", "green", "grey", "white", "black", "brown", "pink")


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds of a run, Snakemake's own included."""

    wall: float
    cpu: float

    def reckoned(self, start: "Cost", factor: float) -> "Cost":
        """Return what `factor` times as many jobs would cost, Snakemake's start counted once."""
        return Cost(*(s + (own - s) * factor for own, s in ((self.wall, start.wall), (self.cpu, start.cpu))))


@dataclass(frozen=True)
class Bench:
    """A study in a folder of its own."""

    name: str
    folder: Path
    config: Path
    cores: int

    @property
    def results(self) -> Path:
        """The study's folder of results."""
        return self.folder / "results" / str(yaml.safe_load(self.config.read_text())["study"])

    def run(self, targets: Sequence[str], per_job: str = "auto") -> Cost:
        """Run Snakemake to its end; return what it cost. Raises CalledProcessError with what it said."""
        command = [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile")),
            *("--directory", str(self.folder), "--cores", str(self.cores), "--quiet", "all"),
            *("--configfile", str(self.config), "--config", f"scoring={{checkpoints_per_job: {per_job}}}"),
        ]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([*command, "--", *targets], capture_output=True, text=True, cwd=self.folder)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(time.perf_counter() - began, cpu)

    def scores(self) -> list[str]:
        """Return every scores file, as a target."""
        found = sorted(self.results.glob("scores/*/*.parquet"), key=lambda path: (path.parent, len(path.name), path))
        return [str(path.relative_to(self.folder)) for path in found]

    def forget(self, store: bool) -> None:
        """Remove the scores files, and with `store` the finished scores too."""
        for folder in [self.results / "scores"] + [self.folder / "results" / "store"] * store:
            shutil.rmtree(folder, ignore_errors=True)


def measured(bench: Bench, sample: int) -> dict[str, Any]:
    """Return what scoring and finding scores in the store cost, in both ways."""
    bench.run(["audit", "encode"])
    new = bench.run(["scores"])
    start = bench.run(["scores"])  # nothing to do
    every = bench.scores()
    chosen = [every[len(every) * k // min(sample, len(every))] for k in range(min(sample, len(every)))]
    factor = len(every) / len(chosen)
    bench.forget(store=False)
    found = bench.run(["scores"])
    bench.forget(store=True)
    old = bench.run(chosen, "1")
    bench.forget(store=False)
    old_found = bench.run(chosen, "1")
    costs = {"scored": (old, new), "found in the store": (old_found, found)}
    return {
        "checkpoints": len(every),
        "sample": len(chosen),
        "snakemake": asdict(start),
        "runs": {
            what: {"old": asdict(one.reckoned(start, factor)), "new": asdict(two), "old_measured": asdict(one)}
            for what, (one, two) in costs.items()
        },
    }


def tiny_study(folder: Path, count: int, cores: int) -> Bench:
    """Write a study of `count` tiny checkpoints and two small tasks."""
    from trajectories.pocket.tokens import make_tokenizer

    folder.mkdir()
    make_tokenizer(1, folder / "tokenizer")
    for step in range(1, count + 1):
        place = folder / "suite" / "tiny" / f"step{step}"
        random_model(TINY, "float32", "cpu", seed=step).save_pretrained(place)
        shutil.copytree(folder / "tokenizer", place, dirs_exist_ok=True)
    for task, verb in (("skies", "sky"), ("seas", "sea")):
        with (folder / f"{task}.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["prompt", "classes", "answer_index"])
            writer.writerows([f"On day {k} the {verb} was", repr([f" {a}", f" {b}"]), k % 2] for k, a, b in _days())
    config = {
        "study": "tiny", "checkpoints": {"folder": "suite/{model}/step{step}", "tokens_per_step": 1024},
        "models": [{"name": "tiny", "parameters": TINY.parameters}],
        "steps": [{"first": 1, "last": count, "every": 1}],
        "tasks": [{"name": name, "file": f"{name}.csv"} for name in ("skies", "seas")], "scoring": {"device": "cpu"},
    }  # fmt: skip
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    return Bench(f"{count} tiny checkpoints", folder, folder / "study.yaml", cores)


def _days() -> list[tuple[int, str, str]]:
    return [(k, COLORS[k % 8], COLORS[(k + 3) % 8]) for k in range(24)]


def demo_study(folder: Path, suite: Path, cores: int) -> Bench:
    """Lay the demo's trained suite where its study looks for it."""
    folder.mkdir()
    shutil.copytree(suite, folder / "results" / "demo" / "suite")
    shutil.copy(PROJECT / "studies" / "demo.yaml", folder)
    return Bench("the demo", folder, folder / "demo.yaml", cores)


def text(results: dict[str, Any]) -> str:
    """Return the table and what it was measured on."""
    rows = []
    for name, one in results["studies"].items():
        for what, run in one["runs"].items():
            old, new, count = run["old"], run["new"], one["checkpoints"]
            rows.append(
                (
                    f"{name}, {what}", count, one["sample"], f"{old['cpu']:.0f}", f"{new['cpu']:.0f}",
                    f"{old['cpu'] / new['cpu']:.1f}", f"{old['wall']:.0f}", f"{new['wall']:.0f}",
                    f"{old['wall'] / new['wall']:.1f}", f"{(new['cpu'] - one['snakemake']['cpu']) / count:.3f}",
                )
            )  # fmt: skip
    header = (
        "study", "checkpoints", "old way measured on", "old, CPU s", "new, CPU s", "times", "old, wall s",
        "new, wall s", "times", "new, CPU s per checkpoint",
    )  # fmt: skip
    return (
        "# A job for every checkpoint, and batches\n\n" + table(header, rows) + "\n\n"
        f"{in_words(results['machine'])}. {results['cores']} cores for Snakemake; the last column without its start.\n"
    )


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", type=int, default=300, help="how many tiny checkpoints; 0: none")
    parser.add_argument("--suite", type=Path, help="the demo's trained suite")
    parser.add_argument("--sample", type=int, default=20, help="checkpoints that are scored the old way")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    results: dict[str, Any] = {"machine": machine(), "cores": args.cores, "studies": {}}
    with tempfile.TemporaryDirectory() as folder:
        benches = [tiny_study(Path(folder) / "tiny", args.tiny, args.cores)] if args.tiny else []
        benches += [demo_study(Path(folder) / "demo", args.suite, args.cores)] if args.suite else []
        for bench in benches:
            results["studies"][bench.name] = measured(bench, args.sample)
    write_results("jobs", results, text(results), args.results)


if __name__ == "__main__":
    main()

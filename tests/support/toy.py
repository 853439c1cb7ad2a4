"""A study small enough to run many times: two models, three steps, two tasks, a few thousand weights."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from support.models import save_checkpoint
from support.snakemakes import run_snakemake

PROJECT = Path(__file__).resolve().parents[2]
MODELS = {"toy-1m": 1_000_000, "toy-3m": 3_000_000}
STEPS = (1, 2, 4)
TIMED = ("speed.tsv",)  # the one table that tells how long things took
COUNTRIES = ("France", "Spain", "Italy", "Norway", "Chile", "Kenya", "Nepal", "Cuba")


def write_toy(
    folder: Path, models: Mapping[str, int] = MODELS, steps: Sequence[int] = STEPS, questions: int = 24
) -> Path:
    """Write checkpoints, two question files and a config into `folder`; return the config's path."""
    for number, model in enumerate(models):
        for step in steps:
            save_checkpoint(folder / "suite" / model / f"step{step}", seed=100 * number + step)
    _write_questions(
        folder / "sums.csv", [(f"{a} + {b} =", f" {a + b}", f" {a + b + 1}") for a, b in _pairs(questions)]
    )
    _write_questions(
        folder / "skies.csv",
        [(f"In {COUNTRIES[a % 8]} the sky of day {b} is", " blue", " green") for a, b in _pairs(questions)],
    )
    config = {
        "study": "toy",
        "checkpoints": {"folder": "suite/{model}/step{step}", "tokens_per_step": 1000},
        "models": [{"name": name, "parameters": parameters} for name, parameters in models.items()],
        "steps": list(steps),
        "tasks": [{"name": name, "file": f"{name}.csv"} for name in ("sums", "skies")],
        "scoring": {"device": "cpu"},
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def snakemake_command(config: Path, *arguments: str, cores: int = 2) -> list[str]:
    """Return the command line that runs a study in the folder of its config."""
    snakefile = str(PROJECT / "Snakefile")
    return [
        *(sys.executable, "-m", "snakemake", "-s", snakefile, "-d", str(config.parent)),
        *("--configfile", str(config), "--cores", str(cores), *arguments),
    ]


def run_toy(config: Path, *arguments: str, cores: int = 2, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Run Snakemake on a study to its end; return status and output."""
    command = snakemake_command(config, *arguments, cores=cores)
    return run_snakemake(command[3:], config.parent, quiet_environment(), timeout)


def quiet_environment() -> dict[str, str]:
    """Return this process's environment with one thread per job, so that sums come in one order."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}


def tables(config: Path) -> dict[str, bytes]:
    """Return the bytes of every table and scores file of the finished study."""
    results = config.parent / "results" / "toy"
    found = [*results.glob("*.tsv"), *results.glob("*.md"), *results.glob("scores/**/*.parquet")]
    made = {str(path.relative_to(results)): path.read_bytes() for path in sorted(found)}
    return {name: data for name, data in made.items() if name not in TIMED}


TABLES = ("results/toy/accuracy.tsv", "results/toy/regression.tsv")


def finished_study(folder: Path) -> Path:
    """Run a small study's tables in `folder`, undisturbed; return its config."""
    config = write_toy(folder, questions=8)
    done = run_toy(config, *TABLES)
    assert done.returncode == 0, done.stderr
    return config


def unscored_copy(config: Path, folder: Path) -> Path:
    """Copy a finished study without its scores and all that follows from them; return the copy's config."""
    shutil.copytree(config.parent, folder)
    results = folder / "results"
    for made in (results / "store", results / "toy" / "scores", results / "toy" / "benchmarks"):
        shutil.rmtree(made)
    for path in [*results.glob("toy/*.tsv"), *results.glob("toy/*.md"), *results.glob("toy/report.html")]:
        if path.name != "checkpoints.tsv":
            path.unlink()
    return folder / config.name


def stored(config: Path) -> dict[Path, int]:
    """Return when each task's finished scores in the store were made, in nanoseconds."""
    return {path: path.lstat().st_mtime_ns for path in config.parent.glob("results/store/*/*.parquet")}


def differences(ours: Path, theirs: Path) -> list[str]:
    """Return the tables and scores files that two runs of the study do not have in common, byte for byte."""
    left, right = tables(ours), tables(theirs)
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


def _pairs(count: int) -> list[tuple[int, int]]:
    return [(a, b) for a in range(1, 9) for b in range(1, 9)][:count]


def _write_questions(path: Path, rows: Sequence[tuple[str, str, str]]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["prompt", "classes", "answer_index"])
        writer.writerows([context, repr([right, wrong]), 0] for context, right, wrong in rows)

"""Small studies on random checkpoints, run for real through Snakemake from a copy of the project."""

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from support.models import save_checkpoint
from support.snakemakes import run_snakemake
from support.toy import PROJECT, quiet_environment

PARTS = ("Snakefile", "config.yaml", "workflow", "profiles", "envs", "studies")


def copy_project(folder: Path) -> Path:
    """Copy what a user has checked out; file times are those of now, as after a fresh clone."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = PROJECT / part
        if source.is_dir():
            shutil.copytree(
                source, folder / part, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copy
            )
        else:
            shutil.copy(source, folder / part)
    return folder


def write_questions(path: Path, count: int, first: int = 0) -> Path:
    """Write a CSV in the prize's format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["prompt", "classes", "answer_index"])
        writer.writerows([f"Two plus {first + i} is", "[' four', ' five']", i % 2] for i in range(count))
    return path


@dataclass
class Toy:
    """A study in a folder of its own: `config` may be changed between runs."""

    root: Path
    project: Path
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        return self.root / "results" / "toy"

    @property
    def store(self) -> dict[Path, float]:
        """Every task's finished scores, and when they were made."""
        return {path: path.lstat().st_mtime_ns for path in (self.root / "results" / "store").glob("*/*.parquet")}

    def add_checkpoint(self, model: str, step: int) -> None:
        save_checkpoint(self.root / "suite" / model / f"step{step}", seed=hash_of(f"{model}{step}"))

    def command(self, *arguments: str) -> list[str]:
        (self.root / "study.yaml").write_text(yaml.safe_dump(self.config))
        base = [sys.executable, "-m", "snakemake", *arguments, "--snakefile", str(self.project / "Snakefile")]
        place = ["--cores", "2", "--directory", str(self.root)]
        return [*base, *place, "--configfile", str(self.root / "study.yaml")]  # last: it takes all words that follow

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_snakemake(self.command(*arguments)[3:], self.root, quiet_environment())

    def succeed(self, *arguments: str) -> str:
        """Run and insist on success; return what was printed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def planned(self, *arguments: str) -> dict[str, int]:
        """Return the jobs a run would have, per rule."""
        return job_stats(self.succeed("--dry-run", *arguments))


def job_stats(printed: str) -> dict[str, int]:
    """Read Snakemake's table of jobs."""
    table = re.search(r"^Job stats:\njob\s+count\n[-\s]+\n(.*?)\n(?:total|\n)", printed, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^(\w+)\s+(\d+)$", table[1], re.MULTILINE) if table else []
    return {rule: int(count) for rule, count in rows if rule != "total"}


def scoring_jobs(counts: dict[str, int]) -> int:
    """Return how many jobs score: every batch of checkpoints is a rule."""
    return sum(count for rule, count in counts.items() if re.fullmatch(r"score(_\d+)?", rule))


def hash_of(text: str) -> int:
    """A seed that is the same in every run."""
    return sum(ord(letter) * 31**place for place, letter in enumerate(text)) % 2**31


def make_toy(root: Path, models: Sequence[str] = ("tiny-a", "tiny-b"), steps: Sequence[int] = (1, 2)) -> Toy:
    """A study of random checkpoints and one CSV task, in a folder beside a copy of the project."""
    toy = Toy(root, copy_project(root / "project"))
    for model in models:
        for step in steps:
            toy.add_checkpoint(model, step)
    write_questions(root / "tasks" / "sums.csv", 12)
    toy.config = {
        "study": "toy",
        "checkpoints": {"folder": "suite/{model}/step{step}", "tokens_per_step": 1000},
        "models": [{"name": name, "parameters": 1000 * 3**place} for place, name in enumerate(models)],
        "steps": list(steps),
        "tasks": [{"name": "sums", "file": "tasks/sums.csv"}],
        "scoring": {"device": "cpu"},
    }
    return toy

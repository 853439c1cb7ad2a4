"""Scoring jobs of several small checkpoints, without Snakemake."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.models import save_checkpoint, tokenizer
from trajectories import Question
from trajectories.checkpoints.stage import write_audit
from trajectories.jobs.speed import read_notes
from trajectories.jobs.stage import score_rows
from trajectories.scoring.encode import encode
from trajectories.scoring.requests import write_requests
from trajectories.study.protocol import Protocol
from trajectories.tables import read_table

QUESTIONS = {
    "sums": [Question("Two plus two is", (" four", " five"), (1, 0))],
    "skies": [Question("The sky is", (" blue", " wide"), (1, 0)), Question("The sea is", (" blue", " wide"), (0, 1))],
    "foxes": [Question("The quick brown", (" fox", " dog"), (1, 0))],
}


@dataclass
class Study:
    """Checkpoints `tiny step…` in local folders (or on a hub), and tasks that each have a tree, in `folder`."""

    folder: Path
    steps: Sequence[int]
    tasks: Sequence[str] = ("sums", "skies")
    hub: str | None = None
    store: str = "store"
    name: str = "study"
    scoring: Mapping[str, Any] = field(default_factory=dict)

    def write(self) -> "Study":
        """Write checkpoints, requests and the audit's table."""
        for step in self.steps:
            if self.hub is None and not self.checkpoint(step).exists():
                save_checkpoint(self.checkpoint(step), seed=step)
        for task in self.tasks:
            requests = encode({task: QUESTIONS[task]}, {task: ""}, tokenizer(), Protocol())
            write_requests(requests, self.folder / f"{task}.safetensors", {})
        suite = {
            "checkpoints": self.source | {"tokens_per_step": 1000},
            "models": [{"name": "tiny", "parameters": 1000}], "steps": list(self.steps),
        }  # fmt: skip
        write_audit(study=json.dumps(suite), output=self.folder / "checkpoints.tsv")
        return self

    @property
    def source(self) -> dict[str, str]:
        return {"hub": self.hub} if self.hub else {"folder": f"{self.folder}/suite/{{model}}/step{{step}}"}

    def checkpoint(self, step: int) -> Path:
        return self.folder / "suite" / "tiny" / f"step{step}"

    def output(self, step: int) -> Path:
        return self.folder / self.name / "scores" / f"step{step}.parquet"

    def score(self, *steps: int, limit: int | None = None) -> None:
        """Score these steps, or all, in one job."""
        settings = {
            "protocol": {}, "scoring": {"device": "cpu", **self.scoring},
            "checkpoints": self.source | {"tokens_per_step": 1000},
        }  # fmt: skip
        score_rows(
            checkpoints=self.folder / "checkpoints.tsv", model="tiny",
            outputs={step: self.output(step) for step in steps or self.steps},
            requests=[self.folder / f"{task}.safetensors" for task in self.tasks],
            store=self.folder / self.store, scratch=self.folder / "scratch", study=json.dumps(settings), threads=1,
            logs=self.folder / self.name / "logs", benchmarks=self.folder / self.name / "benchmarks", limit=limit,
        )  # fmt: skip

    @property
    def entries(self) -> dict[Path, int]:
        """Every task's finished scores, and when they were made."""
        return {path: path.lstat().st_mtime_ns for path in (self.folder / self.store).glob("*/*.parquet")}

    @property
    def wholes(self) -> list[Path]:
        """The files that hold a checkpoint's scores of all tasks."""
        return sorted((self.folder / self.store).glob("whole/*/*.parquet"))

    def trees_scored(self, step: int) -> int:
        """How many trees have ever been scored under a checkpoint."""
        table = read_table(self.folder / "checkpoints.tsv", "checkpoints").set_index("step")
        return len(read_notes(self.folder / self.store, str(table.loc[step, "commit"])))

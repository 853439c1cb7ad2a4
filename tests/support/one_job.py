"""One scoring job of one small checkpoint, without Snakemake."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from support.models import save_checkpoint, tokenizer
from trajectories import Question
from trajectories.checkpoints.stage import write_audit
from trajectories.jobs.stage import score_rows
from trajectories.scoring.encode import encode
from trajectories.scoring.requests import write_requests
from trajectories.study.protocol import Protocol
from trajectories.tables import read_table


@dataclass(frozen=True)
class OneJob:
    """A checkpoint `tiny step8` with one question to answer, everything in `folder`."""

    folder: Path

    steps: tuple[int, ...] = (8,)

    @classmethod
    def prepare(cls, folder: Path, steps: tuple[int, ...] = (8,)) -> "OneJob":
        """Write the checkpoints and the requests; `tiny step8` is the one that is scored."""
        for step in steps:
            save_checkpoint(folder / "suite" / "tiny" / f"step{step}", seed=step if len(steps) > 1 else 0)
        questions = {"sums": [Question("Two plus two is", (" four", " five"), (1, 0))]}
        requests = encode(questions, {"sums": ""}, tokenizer(), Protocol())
        write_requests(requests, folder / "sums.safetensors", {})
        return cls(folder, steps)

    @property
    def checkpoint(self) -> Path:
        """The checkpoint's folder."""
        return self.folder / "suite" / "tiny" / "step8"

    @property
    def row(self) -> "pd.Series[Any]":
        """The checkpoint's row in the audit's table."""
        return read_table(self.folder / "checkpoints.tsv", "checkpoints").set_index("step").loc[8]

    @property
    def output(self) -> Path:
        """The scores file."""
        return self.folder / "scores.parquet"

    @property
    def stored(self) -> list[Path]:
        """The store's files."""
        return sorted(self.folder.glob("store/*/*.parquet"))

    @property
    def suite(self) -> dict[str, Any]:
        """The sections of the config that name the checkpoints."""
        return {
            "checkpoints": {"folder": f"{self.folder}/suite/{{model}}/step{{step}}", "tokens_per_step": 1000},
            "models": [{"name": "tiny", "parameters": 1000}],
            "steps": list(self.steps),
        }

    def audit(self) -> None:
        """Write the audit's table."""
        write_audit(study=json.dumps(self.suite), output=self.folder / "checkpoints.tsv")

    def score(self) -> None:
        """Score the checkpoint."""
        settings = {"protocol": {}, "scoring": {"device": "cpu"}, "checkpoints": self.suite["checkpoints"]}
        score_rows(
            checkpoints=self.folder / "checkpoints.tsv", model="tiny", outputs={8: self.output},
            requests=[self.folder / "sums.safetensors"], store=self.folder / "store", scratch=self.folder / "scratch",
            study=json.dumps(settings), threads=1, logs=self.folder / "logs", benchmarks=self.folder / "benchmarks",
        )  # fmt: skip

    def run(self) -> None:
        """Audit and score."""
        self.audit()
        self.score()

"""One scoring job of one small checkpoint, without Snakemake."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.models import save_checkpoint, tokenizer
from trajectories import Question
from trajectories.checkpoints.stage import write_audit
from trajectories.jobs.stage import score_row
from trajectories.scoring.encode import encode
from trajectories.scoring.requests import write_requests
from trajectories.study.protocol import Protocol


@dataclass(frozen=True)
class OneJob:
    """A checkpoint `tiny step8` with one question to answer, everything in `folder`."""

    folder: Path

    @classmethod
    def prepare(cls, folder: Path) -> "OneJob":
        """Write the checkpoint and the requests."""
        save_checkpoint(folder / "suite" / "tiny" / "step8")
        questions = {"sums": [Question("Two plus two is", (" four", " five"), (1, 0))]}
        requests = encode(questions, {"sums": ""}, tokenizer(), Protocol())
        write_requests(requests, folder / "sums.safetensors", {})
        return cls(folder)

    @property
    def checkpoint(self) -> Path:
        """The checkpoint's folder."""
        return self.folder / "suite" / "tiny" / "step8"

    @property
    def output(self) -> Path:
        """The scores file."""
        return self.folder / "scores.parquet"

    @property
    def stored(self) -> list[Path]:
        """The store's files."""
        return sorted(self.folder.glob("store/*/*.parquet"))

    def run(self) -> None:
        """Audit and score."""
        suite: dict[str, Any] = {
            "checkpoints": {"folder": f"{self.folder}/suite/{{model}}/step{{step}}"},
            "models": [{"name": "tiny", "parameters": 1000}],
            "steps": [8],
        }
        write_audit(study=json.dumps(suite), output=self.folder / "checkpoints.tsv")
        settings = {"protocol": {}, "scoring": {"device": "cpu"}, "checkpoints": suite["checkpoints"]}
        score_row(
            checkpoints=self.folder / "checkpoints.tsv", model="tiny", step=8,
            requests=[self.folder / "sums.safetensors"], store=self.folder / "store", scratch=self.folder / "scratch",
            study=json.dumps(settings), threads=1, output=self.output,
        )  # fmt: skip

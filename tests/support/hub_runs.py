"""Studies on a local hub, run whole: in this process, stage after stage, and as users run them, with accidents."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import yaml

from support.hub_server import LocalHub
from support.snakemakes import run_snakemake
from trajectories.analysis.stage import accuracy_of_scores
from trajectories.checkpoints.stage import write_audit
from trajectories.jobs.stage import score_rows
from trajectories.questions.stage import write_task
from trajectories.scoring.encode_stage import write_all
from trajectories.study.config import Study

PATIENCE = 1800.0  # seconds after which a test that waits has failed


def undisturbed(study: Study, folder: Path) -> bytes:
    """Run the stages one after the other in this process; return `accuracy.tsv`."""
    checkpoints = folder / "checkpoints.tsv"
    write_audit(study=study.section("checkpoints", "models", "steps"), output=checkpoints)
    protocol = study.protocol.canonical()
    for task in study.tasks:
        write_task(task=task.canonical(), protocol=protocol, seed=0, output=folder / f"{task.name}.parquet")
    write_all(
        tasks=[task.canonical() for task in study.tasks],
        questions=[folder / f"{task.name}.parquet" for task in study.tasks],
        tokenizers=[tokenizer.canonical() for tokenizer in study.tokenizers], checkpoints=None, protocol=protocol,
        outputs=[folder / f"{tree}.safetensors" for tree in study.trees],
    )  # fmt: skip
    scores = []
    for model in study.models:
        for step in study.steps_of(model):
            scores.append(folder / "scores" / model.name / f"step{step}.parquet")
            score_rows(
                checkpoints=checkpoints, model=model.name, threads=1, outputs={step: scores[-1]},
                logs=folder / "logs", benchmarks=folder / "benchmarks",
                requests=[folder / f"{tree}.safetensors" for tree in study.trees], store=folder / "store",
                scratch=folder / "scratch", study=study.section("protocol", "scoring", "checkpoints"),
            )  # fmt: skip
    accuracy_of_scores(checkpoints=checkpoints, scores=scores, output=folder / "accuracy.tsv")
    return (folder / "accuracy.tsv").read_bytes()


class Workflow:
    """Runs of Snakemake on one study: as a user starts them, to be disturbed, and such as are left alone."""

    def __init__(self, hub: LocalHub, project: Path, folder: Path, settings: dict[str, Any]) -> None:
        self.folder, self.hub, self.log = folder, hub, folder / "snakemake.log"
        self.results = folder / "results" / settings["study"]
        (folder / "study.yaml").write_text(yaml.safe_dump(settings))
        self.words = [
            "--snakefile", str(project / "Snakefile"), "--directory", str(folder),
            "--configfile", str(folder / "study.yaml"), "--cores", "2",
        ]  # fmt: skip
        self.environment = {
            **os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
        }  # fmt: skip

    def start(self, *targets: str) -> "subprocess.Popen[bytes]":
        """Start Snakemake in a process group of its own."""
        command = [sys.executable, "-m", "snakemake", *self.words, *targets]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, start_new_session=True)

    def run(self, *targets: str) -> int:
        """Run Snakemake to its end."""
        done = run_snakemake([*self.words, *targets], self.folder, self.environment, PATIENCE)
        with self.log.open("a") as log:
            log.write(done.stdout + done.stderr)
        return done.returncode

    def said(self) -> str:
        """Return everything that has been printed so far."""
        return self.log.read_text()

    def stored(self) -> dict[Path, int]:
        """Return the finished scores of single tasks, and when they were written."""
        return {path: path.stat().st_mtime_ns for path in self.folder.glob("results/store/*/*.parquet")}

    def finished(self) -> list[Path]:
        """Return the scores files that are there."""
        return sorted(self.results.glob("scores/*/*.parquet"))


def wait_for(condition: Callable[[], Any], running: "subprocess.Popen[bytes]") -> Any:
    """Wait until `condition` is true, as long as the workflow runs."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert running.poll() is None, "the workflow ended before it could be disturbed"
        assert time.monotonic() < end, "the condition never came true"
        time.sleep(0.02)
    return found


def scoring_jobs(running: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """Return the processes that score a checkpoint (not the shells around them)."""
    found = []
    for process in psutil.Process(running.pid).children(recursive=True):
        try:
            command = process.cmdline()
        except psutil.NoSuchProcess:
            continue
        if len(command) > 1 and command[1].endswith("score.py"):
            found.append(process)
    return found

"""Weights that overflow stop the job with the checkpoint, the task and the question named, and keep nothing."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from transformers import AutoModelForCausalLM

from support.models import save_checkpoint, tokenizer
from trajectories import Question, UserError
from trajectories.checkpoints.stage import write_audit
from trajectories.scoring.encode import encode
from trajectories.scoring.requests import write_requests
from trajectories.scoring.stage import score_row
from trajectories.study.protocol import Protocol


def test_a_nan_names_checkpoint_task_and_question(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "suite" / "tiny" / "step8")
    model = AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        model.lm_head.weight[3] = float("nan")
    model.save_pretrained(folder)
    questions = {"sums": [Question("Two plus two is", (" four", " five"), (1, 0))]}
    requests = encode(questions, {"sums": ""}, tokenizer(), Protocol())
    write_requests(requests, tmp_path / "sums.safetensors", {})
    suite = {
        "checkpoints": {"folder": f"{tmp_path}/suite/{{model}}/step{{step}}"},
        "models": [{"name": "tiny", "parameters": 1000}],
        "steps": [8],
    }
    write_audit(study=json.dumps(suite), output=tmp_path / "checkpoints.tsv")
    settings = {"protocol": {}, "scoring": {"device": "cpu"}, "checkpoints": suite["checkpoints"]}
    with pytest.raises(UserError, match=r"^tiny step8, task sums, question 0, choice \d: log-likelihood is nan"):
        score_row(
            checkpoints=tmp_path / "checkpoints.tsv", model="tiny", step=8, requests=[tmp_path / "sums.safetensors"],
            store=tmp_path / "store", scratch=tmp_path / "scratch", study=json.dumps(settings), threads=1,
            output=tmp_path / "scores.parquet",
        )  # fmt: skip
    assert not (tmp_path / "scores.parquet").exists()
    assert not list((tmp_path / "store").glob("*/*.parquet"))
    assert pd.read_csv(tmp_path / "checkpoints.tsv", sep="\t")["status"].tolist() == ["ok"]

"""Weights that overflow stop the job with the checkpoint, the task and the question named, and keep nothing."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from transformers import AutoModelForCausalLM

from support.one_job import OneJob
from trajectories import UserError


def test_a_nan_names_checkpoint_task_and_question(tmp_path: Path) -> None:
    job = OneJob.prepare(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(job.checkpoint)
    with torch.no_grad():
        model.lm_head.weight[3] = float("nan")
    model.save_pretrained(job.checkpoint)
    with pytest.raises(UserError, match=r"^tiny step8, task sums, question 0, choice \d: log-likelihood is nan"):
        job.run()
    assert not job.output.exists()
    assert not job.stored
    assert pd.read_csv(tmp_path / "checkpoints.tsv", sep="\t")["status"].tolist() == ["ok"]

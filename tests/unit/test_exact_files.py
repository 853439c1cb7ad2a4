"""A checkpoint is scored from the files of its row in the audit's table, whatever else lies in its folder."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from support.models import random_model, save_checkpoint, tokenizer
from support.one_job import OneJob
from trajectories import Question, score
from trajectories.checkpoints.staged import chosen_files, staged
from trajectories.errors import UserError
from trajectories.scoring.scores import read_scores

QUESTION = Question("Two plus two is", (" four", " five"), (1, 0))


def plain(model: torch.nn.Module) -> list[float]:
    """The log-likelihoods of QUESTION's choices, one plain forward pass each, softmax in float64."""
    found = []
    for choice in QUESTION.choices:
        head, whole = (tokenizer()(text)["input_ids"] for text in (QUESTION.context, QUESTION.context + choice))
        with torch.no_grad():
            logprob = model(torch.tensor([whole[:-1]])).logits[0].double().log_softmax(-1)
        found.append(sum(float(logprob[k - 1, whole[k]]) for k in range(len(head), len(whole))))
    return found


def as_bin(folder: Path, seed: int) -> Path:
    """A checkpoint whose weights are pytorch_model.bin."""
    save_checkpoint(folder, seed=seed)
    (folder / "model.safetensors").unlink()
    torch.save(random_model("gpt_neox", seed).state_dict(), folder / "pytorch_model.bin")
    return folder


def test_the_job_scores_the_bin_files_that_the_audit_chose(tmp_path: Path) -> None:
    """Its safetensors are a copy of another step's, which the audit finds: `bin used`."""
    job = OneJob.prepare(tmp_path, steps=(8, 16))
    folder = job.checkpoint
    torch.save(random_model("gpt_neox", seed=7).state_dict(), folder / "pytorch_model.bin")
    shutil.copy(folder.parent / "step16" / "model.safetensors", folder / "model.safetensors")
    torch.save(random_model("gpt_neox", seed=16).state_dict(), folder.parent / "step16" / "pytorch_model.bin")
    job.run()
    assert job.row["format"] == "bin"
    assert "pytorch_model.bin" in json.loads(job.row["files"])
    np.testing.assert_allclose(read_scores(job.output)["loglikelihood"], plain(random_model("gpt_neox", 7)), atol=1e-4)


@pytest.mark.parametrize("stray", ["optimizer.safetensors", "adapter_model.safetensors", "model.fp16.safetensors"])
def test_other_safetensors_beside_bin_weights_are_not_looked_at(tmp_path: Path, stray: str) -> None:
    folder = as_bin(tmp_path / "a", seed=3)
    random_model("gpt_neox", seed=4).save_pretrained(tmp_path / "other")
    shutil.copy(tmp_path / "other/model.safetensors", folder / stray)
    expected = plain(random_model("gpt_neox", 3))
    np.testing.assert_allclose(score(folder, [QUESTION], device="cpu")["loglikelihood"], expected, atol=1e-4)


def test_an_adapter_in_the_folder_is_not_put_on_the_model(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "a", seed=5)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "x/y"}')
    expected = plain(random_model("gpt_neox", 5))
    np.testing.assert_allclose(score(folder, [QUESTION], device="cpu")["loglikelihood"], expected, atol=1e-4)


def test_weights_that_changed_after_the_audit_are_refused(tmp_path: Path) -> None:
    job = OneJob.prepare(tmp_path)
    job.audit()
    random_model("gpt_neox", seed=99).save_pretrained(job.checkpoint)
    with pytest.raises(UserError, match=r"model\.safetensors has changed since the audit"):
        job.score()
    assert not job.stored


def test_a_view_shows_the_named_files_alone_and_is_gone_afterwards(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "a")
    names = chosen_files(folder)
    assert names == ("model.safetensors", "config.json")
    with staged(folder, names) as view:
        assert {path.name for path in view.iterdir()} == set(names)
    assert not view.exists()
    assert (folder / "model.safetensors").is_file()
    with pytest.raises(UserError, match=r"gone\.bin: is not there"), staged(folder, ["gone.bin"]):
        pass


def test_half_a_set_of_shards_is_no_checkpoint(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "a")
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    with pytest.raises(UserError, match="no complete set of weights"):
        chosen_files(folder)

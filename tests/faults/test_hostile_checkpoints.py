"""Checkpoints made to do harm: nothing in them runs."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from support.models import random_model
from trajectories.errors import UserError
from trajectories.scoring.load import load_model


class Hostile:
    """Unpickling this writes a file."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.witness, "code from a checkpoint has run"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random_model("gpt_neox").config.save_pretrained(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def weights() -> dict[str, Any]:
    return dict(random_model("gpt_neox").state_dict())


def test_sound_bin_weights_load(folder: Path) -> None:
    torch.save(weights(), folder / "pytorch_model.bin")
    loaded = load_model(folder, "float32", "cpu")
    torch.testing.assert_close(dict(loaded.state_dict()), weights())


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_beside_the_weights_does_not_run(folder: Path, tmp_path: Path, zipped: bool) -> None:
    witness = tmp_path / "witness"
    torch.save(
        weights() | {"extra": Hostile(witness)}, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped
    )
    with pytest.raises(UserError, match="cannot be loaded"):
        load_model(folder, "float32", "cpu")
    assert not witness.exists()


def test_a_plain_pickle_does_not_run(folder: Path, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Hostile(witness)))
    with pytest.raises(UserError, match="cannot be loaded"):
        load_model(folder, "float32", "cpu")
    assert not witness.exists()
    pickle.loads((folder / "pytorch_model.bin").read_bytes())
    assert witness.exists(), "the pickle is not hostile, so this test shows nothing"


def test_code_of_its_own_does_not_run(folder: Path, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    (folder / "modeling_own.py").write_text(
        f"from pathlib import Path\nPath({str(witness)!r}).write_text('ran')\n"
        "from transformers import GPTNeoXForCausalLM as OwnForCausalLM\n"
    )
    config = json.loads((folder / "config.json").read_text())
    own = {"model_type": "own", "auto_map": {"AutoModelForCausalLM": "modeling_own.OwnForCausalLM"}}
    (folder / "config.json").write_text(json.dumps(config | own))
    random_model("gpt_neox").save_pretrained(tmp_path / "other")
    (tmp_path / "other/model.safetensors").rename(folder / "model.safetensors")
    with pytest.raises(UserError, match="cannot be loaded"):
        load_model(folder, "float32", "cpu")
    assert not witness.exists()

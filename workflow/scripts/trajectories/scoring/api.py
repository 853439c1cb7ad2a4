"""Scoring from a notebook: questions in, a data frame out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajectories.errors import UserError
from trajectories.questions.question import Question
from trajectories.study.protocol import Protocol, as_protocol

if TYPE_CHECKING:
    import pandas as pd


def score(
    checkpoint: Path | str,
    questions: Sequence[Question],
    *,
    protocol: str | dict[str, Any] | Protocol = "harness",
    device: str = "auto",
    dtype: str = "float32",
    revision: str | None = None,
    task: str = "questions",
    delimiter: str = "",
    pack_tokens: int | None = None,
) -> "pd.DataFrame":
    """Score questions under one checkpoint: one row per choice, in the columns of a scores file.

    `checkpoint` is a local folder or a repository on the hub (with `revision`, a branch, tag or commit). `delimiter`
    stands between context and choice where the protocol has no prefix of its own.
    Raises `UserError` when the checkpoint cannot be had or the questions cannot be encoded.
    """
    from trajectories.scoring.check import trusted
    from trajectories.scoring.encode import encode
    from trajectories.scoring.engine import PACK_TOKENS, Engine
    from trajectories.scoring.load import load_model, load_tokenizer, pick_device
    from trajectories.scoring.scores import score_table

    if not questions:
        raise UserError("there are no questions to score")
    rules = as_protocol(protocol)
    device = pick_device(device)
    folder = _local_folder(checkpoint, revision)
    requests = encode({task: questions}, {task: delimiter}, load_tokenizer(folder), rules)
    size = pack_tokens or PACK_TOKENS.get(device.split(":")[0], 2048)
    engine = trusted(Engine(load_model(folder, dtype, device), rules.softmax, size), requests)
    return score_table(engine.score(requests))


def _local_folder(checkpoint: Path | str, revision: str | None) -> Path:
    if Path(checkpoint).is_dir():
        return Path(checkpoint)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    wanted = ["*.json", "*.safetensors", "*.model", "*.txt"]
    try:
        return Path(snapshot_download(str(checkpoint), revision=revision, allow_patterns=wanted))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise UserError(f"{checkpoint}: neither a folder here nor a checkpoint that the hub gives us") from error

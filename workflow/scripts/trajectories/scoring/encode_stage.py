"""The stage `encode`: the questions of all tasks in, a requests file per prefix tree out."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trajectories.checkpoints.resolved import read_checkpoint
from trajectories.files import digest
from trajectories.hub.snapshot import fetch_tokenizer
from trajectories.questions.question import read_questions
from trajectories.questions.task import Task
from trajectories.scoring.encode import encode
from trajectories.scoring.load import load_tokenizer
from trajectories.scoring.requests import write_requests
from trajectories.study.config import Tokenizer
from trajectories.study.protocol import Protocol

logger = logging.getLogger(__name__)


def write_trees(
    *,
    tasks: Sequence[str],
    questions: Sequence[Path | str],
    tokenizer: str,
    checkpoints: Path | str | None,
    protocol: str,
    outputs: Sequence[Path | str],
) -> None:
    """Tokenise all tasks and write the requests of each tree.

    `tasks`, `tokenizer` and `protocol` are canonical JSON, `questions` the tasks' files in the same order,
    `checkpoints` the audit's table where the tokenizer lies with a checkpoint, `outputs` one file per tree, the trees
    in the order in which the tasks name them.
    """
    records = [Task.model_validate_json(task) for task in tasks]
    rules = Protocol.model_validate_json(protocol)
    loaded = _load(Tokenizer.model_validate_json(tokenizer), checkpoints)
    metadata = {"tokenizer": tokenizer_digest(loaded), "protocol": protocol}
    trees: dict[str, dict[str, Path | str]] = {}
    for task, file in zip(records, questions, strict=True):
        trees.setdefault(task.tree, {})[task.name] = file
    delimiters = {task.name: task.delimiter for task in records}
    for files, output in zip(trees.values(), outputs, strict=True):
        asked = {name: read_questions(file) for name, file in files.items()}
        write_requests(encode(asked, delimiters, loaded, rules), output, metadata)


def tokenizer_digest(tokenizer: Any) -> str:
    """Return the sha256 of what a fast tokenizer does, however its files are laid out."""
    return digest([tokenizer.backend_tokenizer.to_str(), tokenizer.bos_token, tokenizer.eos_token])


def _load(tokenizer: Tokenizer, checkpoints: Path | str | None) -> Any:
    if tokenizer.location is not None:
        location, _, revision = tokenizer.location.partition("@")
        return load_tokenizer(location) if Path(location).is_dir() else _from_hub(location, revision or "main")
    assert checkpoints is not None
    assert tokenizer.model is not None
    assert tokenizer.step is not None
    checkpoint = read_checkpoint(checkpoints, tokenizer.model, tokenizer.step)
    if checkpoint.folder is not None:
        return load_tokenizer(checkpoint.folder)
    return _from_hub(str(checkpoint.repo), checkpoint.commit)


def _from_hub(repo: str, revision: str) -> Any:
    """Load a tokenizer from verified copies of its files."""
    with tempfile.TemporaryDirectory(prefix="trajectories-tokenizer-") as folder:
        commit = fetch_tokenizer(repo, revision, Path(folder))
        logger.info("encode: tokenizer of %s at %s", repo, commit[:12])
        return load_tokenizer(folder)

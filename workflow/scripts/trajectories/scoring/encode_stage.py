"""The stage `encode`: the questions of all tasks in, a requests file per prefix tree out."""

import json
import logging
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from trajectories.checkpoints.resolved import last_used
from trajectories.hub.snapshot import fetch_tokenizer
from trajectories.questions.question import Question
from trajectories.questions.stored import question_metadata, read_questions
from trajectories.questions.task import Task
from trajectories.scoring.encode import encode
from trajectories.scoring.requests import Requests, write_requests
from trajectories.scoring.tokenizer import Opened, open_tokenizer
from trajectories.scoring.written import Asked, asked_by_harness, asked_of, decoder_of, end_of
from trajectories.study.models import Tokenizer
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
    unconditional: Collection[str] = (),
) -> None:
    """Tokenise all tasks with one tokenizer and write the requests of each tree; `write_all` says what is what."""
    write_all(
        tasks=tasks, questions=questions, tokenizers=[tokenizer], checkpoints=checkpoints, protocol=protocol,
        outputs=outputs, unconditional=unconditional,
    )  # fmt: skip


def write_all(
    *,
    tasks: Sequence[str],
    questions: Sequence[Path | str],
    tokenizers: Sequence[str],
    checkpoints: Path | str | None,
    protocol: str,
    outputs: Sequence[Path | str],
    unconditional: Collection[str] = (),
) -> None:
    """Tokenise all tasks with every tokenizer and write the requests of each tree.

    Tokenizers that do the same are encoded once. `tasks`, `tokenizers` and `protocol` are canonical JSON, `questions`
    the tasks' files in the same order, `checkpoints` the audit's table where a tokenizer lies with checkpoints. Of
    the tasks in `unconditional` choices are also asked after nothing. `outputs` has one file per tokenizer and tree:
    tokenizer by tokenizer, the trees in the order in which the tasks name them. Raises `UserError` when a tokenizer
    cannot be had or a question cannot be encoded.
    """
    records = [Task.model_validate_json(task) for task in tasks]
    rules = Protocol.model_validate_json(protocol)
    trees = _trees(records, questions)
    written = _written(records, trees, questions)
    delimiters = {task.name: task.between for task in records}
    encoded: dict[str, list[Requests]] = {}
    decoders: dict[str, dict[str, str]] = {}
    for number, text in enumerate(tokenizers):
        place = Tokenizer.model_validate_json(text)
        opened = _open(place, checkpoints)
        key, notes = (opened.digest, opened.notes) if opened else ("", ())
        logger.info("encode: %s: tokenizer %s%s", place.name, key[:12], ", as before" if key in encoded else "")
        if key not in encoded:
            core = opened.tokenizer if opened else None
            encoded[key] = [_encode(tree, delimiters, core, rules, unconditional, written) for tree in trees]
            told = {"decoder": decoder_of(core), "end": end_of(core)} if written and core is not None else {}
            decoders[key] = told
        header = {"tokenizer": key, "protocol": protocol, "notes": json.dumps(notes)}
        own = outputs[number * len(trees) : (number + 1) * len(trees)]
        for requests, output in zip(encoded[key], own, strict=True):
            asked = {name: written[name].as_text() for name in requests.tasks if name in written}
            told = {"written": json.dumps(asked), **decoders[key]} if asked else {}
            write_requests(requests, output, header | told, {name: text + key for name, text in asked.items()})


def _trees(records: Sequence[Task], questions: Sequence[Path | str]) -> list[dict[str, list[Question]]]:
    """Return the questions of each tree's tasks."""
    trees: dict[str, dict[str, list[Question]]] = {}
    for task, file in zip(records, questions, strict=True):
        trees.setdefault(task.tree, {})[task.name] = read_questions(file)
    return list(trees.values())


def _encode(
    tree: Mapping[str, list[Question]],
    delimiters: Mapping[str, str | None],
    tokenizer: Any | None,
    rules: Protocol,
    unconditional: Collection[str],
    written: Collection[str],
) -> Requests:
    """Encode one tree; for a model none of whose checkpoints is used (`tokenizer` None) it has no requests."""
    asked = tree if tokenizer is not None else dict.fromkeys(tree, ())
    return encode(asked, delimiters, tokenizer, rules, unconditional, written)


def _written(
    records: Sequence[Task], trees: Sequence[Mapping[str, list[Question]]], files: Sequence[Path | str]
) -> dict[str, Asked]:
    """Return what is asked of each task whose answers the model writes."""
    asked = {name: questions for tree in trees for name, questions in tree.items()}
    found = {}
    for task, file in zip(records, files, strict=True):
        if task.written is not None:
            found[task.name] = asked_of(task.written, asked[task.name], task.name)
        elif task.writes:
            found[task.name] = asked_by_harness(question_metadata(file))
    return found


def _open(tokenizer: Tokenizer, checkpoints: Path | str | None) -> Opened | None:
    """Open a tokenizer; None for that of a model none of whose checkpoints is used."""
    if tokenizer.location is not None:
        location, _, revision = tokenizer.location.partition("@")
        return open_tokenizer(location) if Path(location).is_dir() else _from_hub(location, revision or "main")
    assert checkpoints is not None
    assert tokenizer.model is not None
    checkpoint = last_used(checkpoints, tokenizer.model)
    if checkpoint is None:
        return None
    if checkpoint.folder is not None:
        return open_tokenizer(checkpoint.folder)
    return _from_hub(str(checkpoint.repo), checkpoint.commit)


def _from_hub(repo: str, revision: str) -> Opened:
    """Open a tokenizer from verified copies of its files."""
    with tempfile.TemporaryDirectory(prefix="trajectories-tokenizer-") as folder:
        commit = fetch_tokenizer(repo, revision, Path(folder))
        logger.info("encode: tokenizer of %s at %s", repo, commit[:12])
        return open_tokenizer(folder)

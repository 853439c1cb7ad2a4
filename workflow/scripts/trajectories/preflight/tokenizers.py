"""Tokenizers that lie here: whether they are there, fit their models, and how many prompts exceed a window."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from trajectories.checkpoints.shapes import read_json
from trajectories.errors import UserError
from trajectories.files import file_sha256
from trajectories.preflight.findings import Findings
from trajectories.questions.question import Question
from trajectories.study.config import Study

TEXTS = 200  # prompts that are encoded to see whether a tokenizer fits
LONGEST = 500  # long prompts that are encoded to see whether they fit into a window
FILES = ("tokenizer", "vocab", "merges", "spiece", "sentencepiece", "special_tokens", "added_tokens", "bpe")
WINDOWS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
Questions = Mapping[str, Sequence[Question]]


@dataclass(frozen=True)
class _Fit:
    """A model's last checkpoint and the tokenizer it is asked in."""

    model: str
    checkpoint: Path | None
    core: Tokenizer | None

    def config(self) -> Mapping[str, Any]:
        """Return the checkpoint's config.json, or that of its text part."""
        if self.checkpoint is None or not (self.checkpoint / "config.json").is_file():
            return {}
        whole = read_json(self.checkpoint / "config.json")
        return whole | whole["text_config"] if isinstance(whole.get("text_config"), dict) else whole


def look_at_tokenizers(study: Study, last: Mapping[str, Path], questions: Questions, findings: Findings) -> None:
    """Look at the tokenizer of every model of which something lies here; `last` is each model's last folder."""
    for model in study.models:
        place = study.tokenizer_of(model)
        try:
            folder = last.get(model.name) if place.location is None else local_folder(place.location)
            core = _opened(folder) if folder is not None else None
            fit = _Fit(model.name, last.get(model.name), core)
            _look_at_size(fit, questions, findings)
            _look_at_window(study, fit, questions, findings)
        except UserError as error:
            findings.wrong(error)


def local_folder(location: str) -> Path | None:
    """Return the folder a tokenizer's location names, or None for a repository on the hub.

    Raises `UserError` for what can only be a folder and is not there.
    """
    folder = Path(location)
    if folder.is_dir():
        return folder
    name = location.partition("@")[0]
    if name.startswith(("/", ".")) or name.count("/") != 1 or Path(name.split("/")[0]).is_dir():
        place = "" if folder.is_absolute() else f"; paths count from {Path.cwd()}"
        raise UserError(f"checkpoints.tokenizer: {location!r} is no folder here, nor a repository, owner/name{place}")
    return None


def _opened(folder: Path) -> Tokenizer | None:
    if not any(file.name.startswith(FILES) for file in folder.glob("*")):
        raise UserError(
            f"{folder}: has no tokenizer files; set checkpoints.tokenizer to a folder or repository with them"
        )
    file = folder / "tokenizer.json"
    return _core(file_sha256(file), file) if file.is_file() else None


@cache
def _core(digest: str, file: Path) -> Tokenizer:
    try:
        core = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises a plain Exception
        raise UserError(f"{file}: is no tokenizer ({' '.join(str(error).split())[:200]}); copy it again") from error
    core.no_truncation()
    core.no_padding()
    return core


def _prompts(questions: Sequence[Question]) -> Iterator[tuple[int, str]]:
    """Yield every question's number and longest text."""
    for number, question in enumerate(questions):
        texts = (question.context_of(place) + choice for place, choice in enumerate(question.choices))
        yield number, max(texts, key=len)


def _look_at_size(fit: _Fit, questions: Questions, findings: Findings) -> None:
    rows = fit.config().get("vocab_size")
    if fit.core is None or not isinstance(rows, int):
        return
    tokens = fit.core.get_vocab_size(with_added_tokens=True)
    texts = [text for asked in questions.values() for _, text in islice(_prompts(asked), TEXTS)]
    highest = max((max(found.ids, default=0) for found in fit.core.encode_batch(texts)), default=0)
    if highest >= rows:
        findings.wrong(
            f"model {fit.model}: its tokenizer has {tokens} tokens and uses number {highest}, the model knows {rows}: "
            "it is not this model's; set checkpoints.tokenizer to the right one"
        )
    elif not rows / 2 <= tokens <= rows:
        findings.warn(
            [f"model {fit.model}: its tokenizer has {tokens} tokens, the model knows {rows}: is it the right one?"]
        )


def _look_at_window(study: Study, fit: _Fit, questions: Questions, findings: Findings) -> None:
    config = fit.config()
    window = next((config[key] for key in WINDOWS if isinstance(config.get(key), int)), None)
    if fit.core is None or window is None:
        return
    for task in study.tasks:
        asked = [item for item in questions.get(task.name, ()) if not item.running]
        texts = list(islice(((k, text) for k, text in _prompts(asked) if len(text) > window), LONGEST))
        found = fit.core.encode_batch([text for _, text in texts])
        longer = [k for (k, _), encoded in zip(texts, found, strict=True) if len(encoded.ids) > window + 1]
        if longer:
            findings.warn(
                [
                    f"task {task.name}: {len(longer)} of {len(asked)} questions are longer than the window of {window} "
                    f"tokens of {fit.model} and lose their beginning, the first is question {longer[0]}"
                ]
            )

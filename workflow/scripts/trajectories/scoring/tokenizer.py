"""Open a tokenizer, and see that it does what its own files say.

Three things go wrong in silence elsewhere. transformers 5 rebuilds the pre-tokenizer for some values of
`tokenizer_class`, so that ids are not those the model was trained on; `tokenizer.json` itself is what is right, as the
`tokenizers` library reads it. Where a folder has no tokenizer it makes an empty one. And tokenizers of encoders end
every text with a token ([SEP], </s>) that no question has there.
"""

import json
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer

from trajectories.errors import UserError
from trajectories.files import digest, file_sha256

logger = logging.getLogger(__name__)
MAX_FILE = 500_000_000  # bytes; the largest in use have some tens of megabytes
ENDINGS = (".json", ".txt", ".model", ".jinja")
VOCABULARIES = ("tokenizer", "vocab", "merges", "spiece", "sentencepiece", "special_tokens", "added_tokens", "bpe")

PARTS = ("normalizer", "pre_tokenizer", "model")  # of tokenizer.json: what makes ids of a text

# Texts on which pre-tokenizers differ: digits, indentation, line ends, contractions, capitals, letters beyond ASCII.
PROBES = (
    "Q: is 650841823 one?\n\nA: 2023, 3.14 or 1,000",
    "def f(x):\n    if x:\n\t\treturn 12\n\n\n        pass  \r\n",
    "naïve café ☃ 北京 Ünïcödé Ελλάδα русский עברית",
    "It's she'LL I'D can't;  two  spaces\n \n(a)[b]{c} --> ++ _x_ #1",
    " leading and trailing ",
)  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """A tokenizer, the sha256 of what it does, and what had to be said about it."""

    tokenizer: Any
    digest: str
    notes: tuple[str, ...] = ()


def open_tokenizer(folder: Path | str) -> Opened:
    """Open the tokenizer in a folder, a fast one where there is one; code of its own is never run.

    Where it does not do what `tokenizer.json` says, the file is followed. Raises `UserError` when the folder has no
    tokenizer, an empty one, one that cannot be loaded, or files of absurd size.
    """
    path = Path(folder)
    _refuse_absurd(path)
    if not any(file.name.startswith(VOCABULARIES) for file in path.glob("*")):
        raise UserError(_none_there(path, "has no tokenizer files"))
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(path), use_fast=True, trust_remote_code=False)
    except Exception as error:  # transformers raises many kinds; each means that this tokenizer does not load
        text = " ".join(str(error).split())[:300] or type(error).__name__
        raise UserError(_none_there(path, f"its tokenizer cannot be loaded ({text})")) from error
    notes = _follow_file(tokenizer, path / "tokenizer.json")
    if not any(tokenizer(probe, add_special_tokens=False)["input_ids"] for probe in PROBES):
        raise UserError(_none_there(path, "its tokenizer is empty: it has no vocabulary"))
    if ending := appended(tokenizer):
        names = " ".join(map(str, tokenizer.convert_ids_to_tokens(ending)))
        notes.append(f"the tokenizer ends every text with {names}, which no question has: left out")
    for note in notes:
        logger.warning("%s: %s", path, note)
    return Opened(tokenizer, tokenizer_digest(tokenizer), tuple(notes))


def appended(tokenizer: Any) -> list[int]:
    """Return the ids that the tokenizer puts behind every text; most put none."""
    plain, whole = (tokenizer("a", add_special_tokens=added)["input_ids"] for added in (False, True))
    ends = [start + len(plain) for start in range(len(whole) - len(plain), -1, -1)]
    found = next((end for end in ends if whole[end - len(plain) : end] == plain), len(whole))
    return list(whole[found:])


def tokenizer_digest(tokenizer: Any) -> str:
    """Return the sha256 of what a tokenizer does: however a fast one's files are laid out."""
    own = [tokenizer.bos_token, tokenizer.eos_token]
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        return digest([backend.to_str(), *own])
    with tempfile.TemporaryDirectory(prefix="trajectories-tokenizer-") as folder:
        names = tokenizer.save_vocabulary(folder) or ()
        files = [file_sha256(name) for name in names if name is not None]
    return digest([type(tokenizer).__name__, files, sorted(tokenizer.get_vocab().items()), *own])


def _follow_file(tokenizer: Any, file: Path) -> list[str]:
    """Make a fast tokenizer do what its `tokenizer.json` says; return what was said about it.

    What is put before and behind a text is left alone: `tokenizer_config.json` has the last word on it.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or not file.is_file():
        return []
    own = Tokenizer.from_file(str(file))
    own.no_truncation()
    own.no_padding()
    theirs, right = json.loads(backend.to_str()), json.loads(own.to_str())
    if not (changed := [part for part in PARTS if _told(theirs[part]) != _told(right[part])]):
        return []
    wrong = _differing(tokenizer, own)
    for part in changed:
        setattr(backend, part, getattr(own, part))
    if left := _differing(tokenizer, own):
        raise UserError(
            f"{file}: transformers and tokenizers do not agree on {left!r}; make tokenizer_class in "
            "tokenizer_config.json PreTrainedTokenizerFast"
        )
    shown = f", and gives {wrong!r} other ids" if wrong else ""
    return [
        f"transformers' {type(tokenizer).__name__} has another {' and '.join(changed)} than tokenizer.json{shown}; "
        "tokenizer.json is followed"
    ]


def _told(part: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what a part says, with an empty value as good as none."""
    return part and {key: value or None for key, value in part.items()}


def _differing(tokenizer: Any, own: Tokenizer) -> str:
    """Return the first probe to which `own` gives other ids, or an empty text."""
    for probe in PROBES:
        if tokenizer(probe, add_special_tokens=False)["input_ids"] != own.encode(probe, add_special_tokens=False).ids:
            return probe
    return ""


def _none_there(folder: Path, what: str) -> str:
    return f"{folder}: {what}; set checkpoints.tokenizer (in a notebook: tokenizer=) to a folder or repository with it"


def _refuse_absurd(folder: Path) -> None:
    """Refuse tokenizer files that no tokenizer needs before any of them is read into memory."""
    for path in sorted(folder.glob("*")):
        if path.suffix in ENDINGS and path.is_file() and path.stat().st_size > MAX_FILE:
            raise UserError(f"{path}: {path.stat().st_size} bytes is absurd for this file; check where it came from")

"""Small files of a repository at one commit, verified, in a folder: tokenizers and data sets."""

from collections.abc import Callable
from pathlib import Path

from trajectories.errors import UserError
from trajectories.hub import client as hub
from trajectories.hub.download import download
from trajectories.hub.files import plain_name

TOKENIZER_FILES = (
    "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "tokenizer.model", "vocab.txt", "spiece.model", "sentencepiece.bpe.model",
)  # fmt: skip
LARGEST_TOKENIZER = 200_000_000
LARGEST_DATA_SET = 2_000_000_000


def fetch_tokenizer(repo: str, revision: str, folder: Path) -> str:
    """Put the tokenizer of a model repository into `folder`; return the commit. Raises `UserError`."""
    commit = hub.resolve_commit(repo, revision)
    snapshot(repo, commit, folder, "model", LARGEST_TOKENIZER, lambda name: name in TOKENIZER_FILES)
    return commit


def fetch_data_set(repo: str, revision: str, folder: Path) -> str:
    """Put the files of a data set into `folder`; return the commit. Raises `UserError`."""
    commit = hub.resolve_commit(repo, revision, "dataset")
    snapshot(repo, commit, folder, "dataset", LARGEST_DATA_SET, lambda name: not name.startswith("."))
    return commit


def snapshot(repo: str, commit: str, folder: Path, kind: hub.Kind, limit: int, wanted: Callable[[str], bool]) -> None:
    """Download the wanted files of a commit, each verified.

    Raises `UserError` for names that leave the folder, and where the files together exceed `limit` bytes.
    """
    files = [file for file in hub.list_files(repo, commit, kind, recursive=kind == "dataset") if wanted(file.name)]
    size = sum(file.size for file in files)
    if size > limit:
        raise UserError(f"{repo} at {commit[:12]}: {size / 1e9:.1f} GB is absurd for a {kind}'s files; check its name")
    for file in files:
        target = folder.joinpath(*map(plain_name, file.name.split("/")))
        target.parent.mkdir(parents=True, exist_ok=True)
        download(repo, commit, file, target, kind=kind)

"""The paper's own accuracies, from its public repository or from a folder the user has.

Michaelov and Bergen (2023), "Emergent Inabilities? Inverse Scaling Over the Course of Pretraining", Findings of EMNLP.
"""

import hashlib
import logging
import urllib.error
import urllib.request
from pathlib import Path

from trajectories.errors import UserError
from trajectories.files import file_sha256, whole_file

logger = logging.getLogger(__name__)

COMMIT = "eb36a6c85b852601f283c4a045221b44373fb987"
URL = f"https://raw.githubusercontent.com/jmichaelov/emergent-inabilities/{COMMIT}/results/all_results.tsv"
SHA256 = "0fe72671e1959fb002ffcc8bb9fd11b71183919126bdf1d09b64c19ebbed538d"
PLACES = ("accuracy.tsv", "all_results.tsv", "results/all_results.tsv")
"""What the file may be called in a user's folder: by itself, or inside a clone of the repository."""

TIMEOUT = 60
"""Seconds without an answer after which a download is given up."""


def published_file(path: Path | str | None, fetched: Path | str) -> Path:
    """Return the paper's `all_results.tsv`: from the user's folder (or file) `path`, else downloaded to `fetched`.

    Raises `UserError` when it cannot be had, or its sha256 is not the published one.
    """
    if path is None:
        return fetch(URL, SHA256, Path(fetched))
    file = _find(Path(path))
    actual = file_sha256(file)
    if actual != SHA256:
        raise UserError(f"{file}: sha256 is {actual[:12]}…, the published file's is {SHA256[:12]}…; get it from {URL}")
    return file


def fetch(url: str, sha256: str, to: Path) -> Path:
    """Download `url` to `to`, whole or not at all, and return `to`.

    Raises `UserError` when the server cannot be reached, refuses, or sends something with another sha256.
    """
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            content: bytes = answer.read()
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise UserError(f"{url}: cannot be fetched ({reason}); get it elsewhere and give its folder as data") from error
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise UserError(f"{url}: what came has sha256 {actual[:12]}…, expected is {sha256[:12]}…; it is not used")
    _write(content, to)
    logger.info("fetched %s (%d bytes, sha256 as expected)", url, len(content))
    return to


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    for place in PLACES:
        if (path / place).is_file():
            return path / place
    raise UserError(f"data: {str(path)!r} holds none of {', '.join(PLACES)}; leave it out to fetch the file")


def _write(content: bytes, to: Path) -> None:
    with whole_file(to) as part:
        part.write_bytes(content)

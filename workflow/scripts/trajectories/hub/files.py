"""Files of a repository or a checkpoint: name, size, hash."""

import re
from dataclasses import dataclass

from trajectories.errors import UserError


@dataclass(frozen=True)
class ModelFile:
    """One file of a checkpoint: its name, its size in bytes and its hash.

    `hash` is the sha256 in hex, or `git:` and the git blob id for small files a hub keeps outside its large-file store.
    """

    name: str
    size: int
    hash: str


def plain_name(name: str) -> str:
    """Return `name` if it is a plain file name.

    Raises `UserError` for separators, `..`, control characters and names too long for a file system.
    """
    if not re.fullmatch(r"[A-Za-z0-9._+-]{1,200}", name) or set(name) == {"."}:
        raise UserError(f"{name!r} is not a plain file name; refuse this checkpoint and tell who published it")
    return name

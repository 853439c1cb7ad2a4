"""What names of the harness stand for, remembered from one run to the next.

The harness reads thirteen thousand YAMLs to find one name, which takes ten seconds; Snakemake reads the config again
for every job on a cluster. What is remembered belongs to one version of the harness and one content of the user's
folders, and may be deleted at any time.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from trajectories.errors import UserError
from trajectories.files import digest, file_sha256, write_text
from trajectories.questions.harness.names import Expansion, as_text, expand, from_text

FORM = 2  # of what is remembered
MISSING = "tasks of the harness need it installed: pip install 'trajectories[harness]'"


def library_version() -> str:
    """Return the harness's version. Raises `UserError`, saying how to install it, where there is none."""
    try:
        return version("lm_eval")
    except PackageNotFoundError as error:
        raise UserError(MISSING) from error


def remembered(name: str, include: Sequence[str], content: str) -> Expansion:
    """Return `expand(name, include)`, from the cache where it has been asked before; `content` is `content_of`'s.

    Raises `UserError` as `expand` does.
    """
    place = _folder() / f"{digest([FORM, library_version(), name, list(include), content])}.json"
    try:
        return from_text(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        found = expand(name, include)
    with suppress(OSError):  # a home that takes no files costs ten seconds a time, nothing else
        write_text(place, as_text(found))
    return found


def content_of(include: Sequence[str]) -> str:
    """Return the sha256 of the YAMLs and modules in the user's folders.

    Raises `UserError` for a folder that is not there.
    """
    for folder in include:
        if not Path(folder).is_dir():
            raise UserError(f"include: folder {folder!r} does not exist")
    files = sorted(file for folder in include for end in ("yaml", "py") for file in Path(folder).rglob(f"*.{end}"))
    return digest([[str(file), file_sha256(file)] for file in files]) if files else ""


def _folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "trajectories" / "harness"

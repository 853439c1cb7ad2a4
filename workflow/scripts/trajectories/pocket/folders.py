"""Folders that appear whole or not at all."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a new empty folder beside `path`; on success flush its files to disk and put it in `path`'s place.

    A crash or an exception leaves no `path` that is half written: either the old one, the new one or none. What a
    killed process leaves is hidden and ends in `.part`; `remove_parts` tidies it up.
    """
    part = path.parent / f".{path.name}.{uuid.uuid4().hex}.part"
    part.mkdir(parents=True)
    try:
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                _flush(file)
        if path.exists():
            shutil.rmtree(path)
        part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def remove_parts(parent: Path) -> None:
    """Remove the unfinished folders that killed processes left in `parent`."""
    for part in parent.glob(".*.part"):
        shutil.rmtree(part, ignore_errors=True)


def _flush(file: Path) -> None:
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())

"""Which files an import reads: folders, files and globs, links followed, compressed or not."""

import gzip
import os
from collections.abc import Iterable, Sequence
from glob import glob, has_magic
from pathlib import Path

from trajectories.errors import UserError


def files_of(paths: str | Sequence[str], endings: tuple[str, ...]) -> list[Path]:
    """Return every file that `paths` name, each once, sorted: files as they are, folders whole, globs (`**` too).

    Links are followed. Raises `UserError` where a path names nothing.
    """
    named = [paths] if isinstance(paths, str) else list(paths)
    found: dict[Path, None] = {}
    for path in named:
        matching = _matching(path, endings)
        if not matching:
            ended = " or ".join(endings)
            there = has_magic(path) or Path(path).expanduser().exists()
            what = f"holds no {ended} file" if there else "does not exist"
            raise UserError(f"import.path: {path!r} {what}; give the file, folder or pattern of the results")
        found |= dict.fromkeys(matching)
    return sorted(found)


def text_of(file: Path) -> str:
    """Return a file's text, unpacked and without a byte-order mark. Raises `UserError` naming the file."""
    try:
        opened = gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")
        with opened as stream:
            return stream.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except (OSError, EOFError) as error:
        raise UserError(f"{file}: cannot be read ({error})") from error


def _matching(path: str, endings: tuple[str, ...]) -> list[Path]:
    where = os.path.expanduser(path)
    if Path(where).is_file():
        return [Path(where)]
    if has_magic(where):
        return [file for name in glob(where, recursive=True) for file in _below(Path(name), endings)]
    return _below(Path(where), endings)


def _below(path: Path, endings: tuple[str, ...]) -> list[Path]:
    if path.is_file():
        return [path] if path.name.endswith(endings) else []
    return list(_walked(path, endings))


def _walked(folder: Path, endings: tuple[str, ...]) -> Iterable[Path]:
    """Yield the files below a folder, links followed, a folder that is met twice read once."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place) / name for name in names if name.endswith(endings) and not name.startswith("."))

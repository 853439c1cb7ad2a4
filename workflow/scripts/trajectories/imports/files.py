"""Which files an import reads: folders, files and globs, links followed, compressed or not."""

import gzip
import os
import zlib
from collections.abc import Iterable, Sequence
from glob import glob, has_magic
from pathlib import Path

from trajectories.errors import UserError


def files_of(paths: str | Sequence[str], endings: tuple[str, ...]) -> list[Path]:
    """Return every file that `paths` name, each once, sorted: files as they are, folders whole, globs (`**` too).

    Links are followed. Raises `UserError` where a path names nothing.
    """
    named = [paths] if isinstance(paths, str) else list(paths)
    found: dict[Path, Path] = {}
    for path in named:
        matching = _matching(path, endings)
        if not matching:
            ended = " or ".join(endings)
            there = has_magic(path) or Path(path).expanduser().exists()
            what = f"holds no {ended} file" if there else "does not exist"
            raise UserError(f"import.path: {path!r} {what}; give the file, folder or pattern of the results")
        for file in sorted(matching, key=lambda file: (len(file.parts), file)):
            found.setdefault(file.resolve(), file)  # links may lead to one file on several ways
    return sorted(found.values())


def text_of(file: Path) -> str:
    """Return a file's text, unpacked and without a byte-order mark. Raises `UserError` naming the file."""
    try:
        packed = file.read_bytes()
        return (gzip.decompress(packed) if file.suffix == ".gz" else packed).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file}: cannot be read ({error})") from error


def _matching(path: str, endings: tuple[str, ...]) -> list[Path]:
    where = Path(path).expanduser()
    if where.is_file():
        return [where]
    if has_magic(path):
        return [file for name in glob(str(where), recursive=True) for file in _below(Path(name), endings)]  # noqa: PTH207
    return _below(where, endings)


def _below(path: Path, endings: tuple[str, ...]) -> list[Path]:
    if path.is_file():
        return [path] if path.name.endswith(endings) else []
    return list(_walked(path, endings))


def _walked(folder: Path, endings: tuple[str, ...]) -> Iterable[Path]:
    """Yield the files below a folder, links followed, a folder that is met twice read once."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place) / name for name in names if name.endswith(endings) and not name.startswith("."))

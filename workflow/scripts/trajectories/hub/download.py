"""Downloading one file by commit: resumed where it broke off, and never taken for good before its hash is right."""

import errno
import hashlib
import logging
import os
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from trajectories.errors import UserError
from trajectories.hub import client as hub
from trajectories.hub.files import ModelFile

logger = logging.getLogger(__name__)


class DiskFullError(UserError):
    """A checkpoint does not fit on the disk it is meant for."""


def verified(path: Path, file: ModelFile) -> bool:
    """Whether the file at `path` has the size and the hash of `file`."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    return contents_hash(path, git=file.hash.startswith("git:")) == file.hash


def contents_hash(path: Path, git: bool) -> str:
    """Return a file's sha256, or `git:` and the id git would give it."""
    if git:
        return f"git:{hub.blob_id(path.read_bytes())}"
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download(
    repo: str, commit: str, file: ModelFile, target: Path, hub_cache: bool = False, kind: hub.Kind = "model"
) -> None:
    """Put one file of a commit at `target`, verified.

    What is already there of it is kept and continued. With `hub_cache` the user's own hub cache is looked at first.
    Raises `UserError` when the hub refuses, there is no network, the disk is full, or the contents stay wrong.
    """
    if verified(target, file) or (hub_cache and _from_cache(repo, commit, file, target)):
        return
    target.unlink(missing_ok=True)
    part = target.with_name(f"{target.name}.part")
    what = f"{repo} at {commit[:12]}: {file.name}"
    for _ in range(2):
        _complete(_url(repo, commit, file.name, kind), file, part, what)
        if verified(part, file):
            part.replace(target)
            return
        logger.warning("%s: wrong contents, downloading it again from the start", what)
        part.unlink()
    raise UserError(f"{what}: arrives with other contents than the audit saw, twice; nothing of it was kept")


def check_space(folder: Path, needed: int) -> None:
    """Raise `UserError` when `needed` more bytes will not fit where `folder` is."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise _disk_full(folder, needed, free)


def _disk_full(folder: Path, needed: int, free: int) -> DiskFullError:
    return DiskFullError(
        f"{folder}: {needed / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free; make room, "
        "set checkpoints.scratch to a larger disk, or lower checkpoints_on_disk"
    )


def _url(repo: str, commit: str, name: str, kind: hub.Kind) -> str:
    return hf_hub_url(repo, name, revision=commit, repo_type=kind, endpoint=constants.ENDPOINT)


def _complete(url: str, file: ModelFile, part: Path, what: str) -> None:
    """Bring `part` to its full size, through broken connections and addresses that expire."""
    for attempt in range(1, hub.ATTEMPTS + 1):
        try:
            return _continue(url, file, part, what)
        except (HfHubHTTPError, httpx2.HTTPError) as error:
            if attempt == hub.ATTEMPTS:
                raise UserError(hub.refusal(error, what)) from error
            logger.warning("%s: %s; going on from byte %d", what, hub.short(error), _size(part))
            time.sleep(hub.waiting_time(error, attempt))
        except OSError as error:
            _raise_if_full(error, part, file)
            if attempt == hub.ATTEMPTS:
                raise UserError(f"{what}: {error}") from error
            logger.warning("%s: %s; going on from byte %d", what, error, _size(part))
    raise AssertionError("unreachable")


def _continue(url: str, file: ModelFile, part: Path, what: str) -> None:
    if _size(part) > file.size:
        part.unlink()
    if file.size == 0:
        part.touch()
    if _size(part) == file.size:
        return
    metadata = hub.patiently(lambda: get_hf_file_metadata(url), what)
    with part.open("ab") as stream:
        http_get(
            metadata.location,
            stream,
            resume_size=_size(part),
            expected_size=file.size,
            headers=_headers(metadata.location),
        )


def _headers(location: str) -> dict[str, str]:
    """Return request headers; the user's token goes to the hub only, never to the host it redirects to."""
    same = urlsplit(location).netloc == urlsplit(constants.ENDPOINT).netloc
    return build_hf_headers(token=None if same else False)


def _from_cache(repo: str, commit: str, file: ModelFile, target: Path) -> bool:
    cached = try_to_load_from_cache(repo, file.name, revision=commit)
    if not isinstance(cached, str) or not verified(Path(cached), file):
        return False
    logger.info("%s: from the hub cache", file.name)
    source = Path(cached).resolve()
    try:
        os.link(source, target)  # takes no room; removing it later leaves the cache's own name
    except OSError:
        shutil.copyfile(source, target)
    return True


def _raise_if_full(error: OSError, part: Path, file: ModelFile) -> None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(part.parent).free
        raise _disk_full(part.parent, file.size - _size(part), free) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

"""Getting a checkpoint's files, whole and verified, for as long as they are needed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trajectories.checkpoints.audit_folders import check_index
from trajectories.checkpoints.resolved import Checkpoint
from trajectories.checkpoints.scratch import Place, Slots, claimed
from trajectories.errors import UserError
from trajectories.hub.download import DiskFullError, check_space, download, verified

logger = logging.getLogger(__name__)


@contextmanager
def fetched(checkpoint: Checkpoint, slots: Slots, *, keep: bool = False, hub_cache: bool = False) -> Iterator[Path]:
    """Yield a folder with the checkpoint's weights and config, every file verified; remove it afterwards unless `keep`.

    Waits for a slot where none is held. A checkpoint in a local folder takes none: it is verified where it lies and
    stays. Raises `UserError` when a file cannot be had or is not what the audit saw.
    """
    if checkpoint.folder is not None:
        yield verified_folder(checkpoint, checkpoint.folder)
        return
    slots.first()
    with claimed(checkpoint, slots.scratch, limit=slots.limit, keep=keep) as place:
        yield fetch_into(checkpoint, place, hub_cache)


def fetch_ahead(checkpoint: Checkpoint, scratch: Path, hub_cache: bool = False) -> Path | None:
    """Download a checkpoint for a job that has no network; it waits on disk until that job has scored it.

    Returns its folder, or None for a checkpoint that lies in a local folder anyway.
    """
    if checkpoint.folder is not None:
        return None
    with claimed(checkpoint, scratch, limit=None, keep=True) as place:
        folder = fetch_into(checkpoint, place, hub_cache)
        place.ahead.touch()
    return folder


def fetch_into(checkpoint: Checkpoint, place: Place, hub_cache: bool = False) -> Path:
    """Download what is missing of a checkpoint into its place, which the caller has claimed; return its folder.

    The folder appears whole: files are downloaded and verified beside it, then it is renamed.
    """
    if place.whole.exists():
        if all(verified(place.whole / file.name, file) for file in checkpoint.files):
            return place.whole
        logger.warning("%s is not what the audit saw; downloading it again", place.whole)
        place.remove()
    repo = checkpoint.repo
    if repo is None:
        raise UserError(f"{checkpoint}: its source {checkpoint.source!r} is not on the hub; run the audit again")
    place.part.mkdir(parents=True, exist_ok=True)
    _clean(place.part, {file.name for file in checkpoint.files})
    try:
        _download_all(checkpoint, repo, place.part, hub_cache)
    except DiskFullError:
        place.remove()  # the half checkpoint is part of the trouble
        raise
    place.part.rename(place.whole)
    return place.whole


def verified_folder(checkpoint: Checkpoint, folder: Path) -> Path:
    """Return `folder` if its files are what the audit saw; raises `UserError` naming the first that is not."""
    for file in checkpoint.files:
        if not verified(folder / file.name, file):
            raise UserError(f"{folder / file.name} has changed since the audit; run `snakemake audit --forcerun audit`")
    return folder


def _download_all(checkpoint: Checkpoint, repo: str, folder: Path, hub_cache: bool) -> None:
    present = sum(path.stat().st_size for path in folder.iterdir())
    check_space(folder, checkpoint.size - present)
    logger.info("fetch: %s: %.2f GB, %.2f GB of it here", checkpoint, checkpoint.size / 1e9, present / 1e9)
    for file in checkpoint.files:
        download(repo, checkpoint.commit, file, folder / file.name, hub_cache)
    check_index(folder, checkpoint.format, {file.name for file in checkpoint.files})
    logger.info("fetch: %s: whole and verified", checkpoint)


def _clean(folder: Path, names: set[str]) -> None:
    """Remove what an earlier audit's commit left in a download folder."""
    for path in folder.iterdir():
        if path.name.removesuffix(".part") not in names:
            path.unlink()

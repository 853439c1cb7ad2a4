"""Data sets on the hub, read at one commit."""

import logging
import tempfile
from pathlib import Path
from typing import Any

from trajectories.errors import UserError
from trajectories.hub.snapshot import fetch_data_set
from trajectories.questions.task import HubData

logger = logging.getLogger(__name__)


def read_hub_rows(data: HubData) -> tuple[list[dict[str, Any]], str]:
    """Return the rows of one split of a data set, whatever format its files have, and the commit they are of.

    The files are downloaded and verified first, then read with `datasets` from the disk: the library itself checks no
    hashes. Raises `UserError` when the data set, revision, config or split is not there, or a file cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="trajectories-data-") as scratch:
        folder = Path(scratch) / "data"
        folder.mkdir()
        commit = fetch_data_set(data.dataset, data.revision, folder)
        what = f"data set {data.dataset} at {commit[:12]}"
        rows = _load(data, folder, Path(scratch) / "cache", what)
    logger.info("%s: %d rows", what, len(rows))
    return rows, commit


def _load(data: HubData, folder: Path, cache: Path, what: str) -> list[dict[str, Any]]:
    from datasets import disable_progress_bars, load_dataset
    from datasets.exceptions import DatasetGenerationError

    disable_progress_bars()
    try:
        loaded = load_dataset(str(folder), name=data.config, split=data.split, cache_dir=str(cache))
    except DatasetGenerationError as error:
        raise UserError(f"{what}: its files cannot be read ({_line(error.__cause__ or error)})") from error
    except (ValueError, FileNotFoundError) as error:  # unknown config or split, or no data files; it says which
        said = _line(error).replace(str(folder), data.dataset)
        raise UserError(f"{what}, config {data.config!r}, split {data.split!r}: {said}") from error
    return list(loaded.to_list())


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__

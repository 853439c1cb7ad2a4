"""Data sets on the hub, read at one commit."""

import logging
import re
from typing import Any

from huggingface_hub import HfApi

from trajectories.checkpoints.hub import patiently
from trajectories.errors import UserError
from trajectories.questions.task import HubData

logger = logging.getLogger(__name__)
_FULL = re.compile(r"[0-9a-f]{40}")
_SHORT = re.compile(r"[0-9a-f]{7,39}")


def read_hub_rows(data: HubData) -> tuple[list[dict[str, Any]], str]:
    """Return the rows of one split of a data set, whatever format its files have, and the commit they are of.

    Raises `UserError` when the data set, revision, config or split is not there, or its files cannot be read.
    """
    commit = resolve_commit(data.dataset, data.revision)
    what = f"data set {data.dataset} at {commit[:12]}"
    rows = patiently(lambda: _load(data, commit, what), what)
    logger.info("%s: %d rows", what, len(rows))
    return rows, commit


def resolve_commit(dataset: str, revision: str) -> str:
    """Return the full commit id of a branch, a tag, or the beginning of a commit id.

    Raises `UserError` when there is no such revision, or the beginning fits several.
    """
    if _FULL.fullmatch(revision):
        return revision
    what = f"data set {dataset} at {revision}"
    if not _SHORT.fullmatch(revision):
        return str(patiently(lambda: HfApi().dataset_info(dataset, revision=revision), what).sha)
    commits = patiently(lambda: HfApi().list_repo_commits(dataset, repo_type="dataset"), what)
    matching = [commit.commit_id for commit in commits if commit.commit_id.startswith(revision)]
    if len(matching) != 1:
        raise UserError(f"{what}: {len(matching)} commits begin like this; give the whole id")
    return str(matching[0])


def _load(data: HubData, commit: str, what: str) -> list[dict[str, Any]]:
    from datasets import disable_progress_bars, load_dataset
    from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError

    disable_progress_bars()
    try:
        loaded = load_dataset(data.dataset, name=data.config, split=data.split, revision=commit)
    except DatasetNotFoundError as error:
        raise UserError(f"{what}: {_line(error)}; check its name, or log in with `hf auth login`") from error
    except DatasetGenerationError as error:
        raise UserError(f"{what}: its files cannot be read ({_line(error.__cause__ or error)})") from error
    except ValueError as error:  # an unknown config or split; the message lists those there are
        raise UserError(f"{what}, config {data.config!r}, split {data.split!r}: {_line(error)}") from error
    return list(loaded.to_list())


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__

"""Where the accuracies of one checkpoint's scores are kept in the store; without what it takes to make them."""

import json
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trajectories.errors import UserError
from trajectories.files import digest, file_sha256
from trajectories.provenance import code_digest

MADE_BY = ("trajectories.analysis.accuracy", "trajectories.analysis.question_metrics", "trajectories.study.metrics")
FOLDER = "accuracy"  # below the store


def kept_at(scores: Path, folder: Path) -> Path:
    """Return the file in `folder` for the accuracies of a scores file, named by a hash of the scores and of the code.

    Scores made here tell the keys of their tasks. Raises `UserError` when they cannot be read.
    """
    try:
        header = pq.read_schema(scores).metadata or {}
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{scores}: not a readable scores file ({error}); delete it and run again") from error
    told = json.loads(header[b"entries"]) if b"entries" in header else file_sha256(scores)
    name = digest({"scores": told, "code": _code()})
    return folder / name[:2] / f"{name}.parquet"


@cache
def _code() -> str:
    return code_digest(*MADE_BY)

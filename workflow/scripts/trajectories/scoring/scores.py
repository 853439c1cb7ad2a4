"""The scores of a checkpoint: one row per task, question and choice, in a parquet file that says how they were made."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trajectories.errors import UserError
from trajectories.files import whole_file

if TYPE_CHECKING:
    from trajectories.scoring.engine import Scored

COLUMNS = ("task", "question", "choice", "label", "loglikelihood", "tokens", "characters", "is_greedy")


def score_table(scored: "Scored") -> pd.DataFrame:
    """Return the scores in the order of tasks, questions and choices.

    `loglikelihood` is in nats, `tokens` how many tokens it sums, `characters` the length of the choice's own text.
    """
    requests = scored.requests
    order = np.lexsort((requests.choice, requests.question, requests.task))
    table = {
        "task": np.array(requests.tasks, dtype=object)[requests.task[order]],
        "question": requests.question[order],
        "choice": requests.choice[order],
        "label": requests.label[order].astype(np.int8),
        "loglikelihood": scored.loglikelihood[order],
        "tokens": requests.counted[order],
        "characters": requests.characters[order],
        "is_greedy": scored.is_greedy[order],
    }
    return pd.DataFrame(table, columns=list(COLUMNS))


def write_scores(scores: pd.DataFrame, path: Path | str, metadata: Mapping[str, object]) -> None:
    """Write scores as parquet, whole or not at all; `metadata` values that are not text are written as JSON."""
    table = pa.Table.from_pandas(scores[list(COLUMNS)], preserve_index=False)
    header = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    with whole_file(path) as part:
        pq.write_table(table.replace_schema_metadata(header), part)


def empty_scores() -> pd.DataFrame:
    """Return scores without rows, in the right types."""
    types = ("str", "int32", "int32", "int8", "float64", "int32", "int32", "bool")
    return pd.DataFrame(columns=list(COLUMNS)).astype(dict(zip(COLUMNS, types, strict=True)))


def read_scores(path: Path | str, columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
    """Read scores, or some of their columns. Raises `UserError` when the file is damaged or lacks a column."""
    try:
        scores: pd.DataFrame = pq.read_table(path, columns=list(columns)).to_pandas()
        return scores
    except (OSError, pa.ArrowException, KeyError) as error:
        raise UserError(f"{path}: not a readable scores file ({error}); delete it and run again") from error

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
from trajectories.scoring.requests import RUNNING, UNCONDITIONAL
from trajectories.scoring.score_columns import COLUMNS, LAYOUT, SCHEMA, TYPES

if TYPE_CHECKING:
    from trajectories.scoring.scored import Scored

_PLACE = ["task", "question", "choice"]


def score_table(scored: "Scored") -> pd.DataFrame:
    """Return the scores, one row per choice, in the order of tasks, questions and choices.

    `loglikelihood` is in nats, `tokens` how many tokens it sums; `characters`, `bytes` and `words` the size of the
    choice's own text; `unconditional` the log-likelihood of the choice after nothing, missing where that was not
    asked. The windows of a running text are one row again.
    """
    requests = scored.requests
    columns = ("task", "question", "choice", "label", "characters", "bytes", "words", "kind")
    rows = pd.DataFrame({name: getattr(requests, name) for name in columns})
    rows = rows.assign(loglikelihood=scored.loglikelihood, tokens=requests.counted, is_greedy=scored.is_greedy)
    alone = rows["kind"] == UNCONDITIONAL
    table = _windows_together(rows[~alone]).sort_values(_PLACE, kind="stable")
    after_nothing = rows[alone].set_index(_PLACE)["loglikelihood"].rename("unconditional")
    table = table.join(after_nothing, on=_PLACE).assign(running=table["kind"] == RUNNING)
    table["task"] = np.array(requests.tasks, dtype=object)[table["task"]]
    return table[list(COLUMNS)].astype(TYPES | {"task": object}).reset_index(drop=True)


def _windows_together(rows: pd.DataFrame) -> pd.DataFrame:
    windows = rows["kind"] == RUNNING
    if not windows.any():
        return rows
    others = ("label", "characters", "bytes", "words", "kind")
    how = dict.fromkeys(others, "first") | {"loglikelihood": "sum", "tokens": "sum", "is_greedy": "all"}
    return pd.concat([rows[~windows], rows[windows].groupby(_PLACE, as_index=False).agg(how)])


def write_scores(scores: pd.DataFrame, path: Path | str, metadata: Mapping[str, object]) -> None:
    """Write scores as parquet, whole or not at all; `metadata` values that are not text are written as JSON."""
    table = pa.Table.from_pandas(scores[list(COLUMNS)], schema=SCHEMA, preserve_index=False)
    header = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    with whole_file(path) as part:
        pq.write_table(table.replace_schema_metadata(header), part, **LAYOUT)


def empty_scores() -> pd.DataFrame:
    """Return scores without rows, in the right types."""
    return pd.DataFrame(columns=list(COLUMNS)).astype(TYPES)


def only_texts(path: Path | str) -> bool:
    """Tell whether a scores file without rows has none to have: models wrote to all of its tasks, and others judge."""
    made = json.loads((pq.read_schema(path).metadata or {}).get(b"tasks", b"{}"))
    return bool(made) and all(how.get("way") == "generation" for how in made.values())


def read_scores(path: Path | str, columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
    """Read scores, or some of their columns; the tasks' names are a categorical, which reads and sorts much faster.

    Raises `UserError` when the file is damaged or lacks a column.
    """
    try:
        table = pq.read_table(path, columns=list(columns), read_dictionary=["task"])
        scores: pd.DataFrame = table.to_pandas()
        return scores
    except (OSError, pa.ArrowException, KeyError) as error:
        raise UserError(f"{path}: not a readable scores file ({error}); delete it and run again") from error

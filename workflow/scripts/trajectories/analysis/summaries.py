"""The accuracies of one checkpoint, kept in a folder of the store, so that they are made once: at the end of scoring.

A study's `accuracy.tsv` is then put together in seconds whatever its size. What is kept goes under a hash of the scores
and of the code that makes accuracies of them, so a change of a metric makes all of them anew, several at a time.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trajectories.analysis.accuracy import accuracy_rows
from trajectories.analysis.kept import kept_at
from trajectories.analysis.question_metrics import SCORE_COLUMNS
from trajectories.files import whole_file
from trajectories.scoring.scores import only_texts, read_scores

_OWN = ["task", "metric", "value", "stderr", "questions"]


def summaries(scores: Iterable[Path], kept: Path | None, threads: int = 1) -> Iterator[pd.DataFrame]:
    """Yield the accuracies of each scores file (columns task, metric, value, stderr, questions), in their order.

    `kept` is the folder where they are looked for and left; None: they are made anew.
    """
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(partial(summary, kept=kept), scores)


def summary(scores: Path, kept: Path | None) -> pd.DataFrame:
    """Return the accuracies of one scores file, from what is kept if they are there, else made and left there.

    Raises `UserError` when the scores cannot be read or give no accuracy.
    """
    if kept is None:
        return _made(scores)
    path = kept_at(scores, kept)
    try:
        found: pd.DataFrame = pq.read_table(path).to_pandas()
        return found.astype({"task": object, "metric": object})
    except (OSError, pa.ArrowException):  # not there, or damaged
        table = _made(scores)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        table.to_parquet(part, index=False)
    return table


def _made(scores: Path) -> pd.DataFrame:
    table = read_scores(scores, columns=SCORE_COLUMNS)
    if table.empty and only_texts(scores):
        return pd.DataFrame(columns=_OWN).astype({"value": float, "stderr": float, "questions": int})
    return accuracy_rows(table, "", 0, 0, 0)[_OWN]

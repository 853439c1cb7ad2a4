"""The stage `generations`: texts that models wrote, from the store to one file per checkpoint."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trajectories.errors import UserError
from trajectories.files import whole_file
from trajectories.jobs.store import Store
from trajectories.questions.written import SHOWN
from trajectories.scoring.written import TEXTS, empty_texts

logger = logging.getLogger(__name__)


def write_generations(*, scores: Sequence[Path | str], outputs: Sequence[Path | str], store: Path | str) -> None:
    """Write the texts behind each scores file (columns `TEXTS`), without rows where a checkpoint is left out.

    A task in whose texts no checkpoint gave an answer is said once, with three of them. Raises `UserError` when texts
    are not in the store any more.
    """
    seen: dict[str, tuple[bool, list[str]]] = {}
    for path, output in zip(scores, outputs, strict=True):
        table = _texts(Path(path), Store(Path(store)))
        for task, rows in table.groupby("task", sort=False):
            answered, shown = seen.get(str(task), (False, []))
            more = [] if len(shown) >= SHOWN else rows["text"].head(SHOWN - len(shown)).tolist()
            seen[str(task)] = answered or bool(rows["answer"].notna().any()), shown + more
        with whole_file(output) as part:
            table.to_parquet(part, index=False)
    _say_unanswered(seen)


def _say_unanswered(seen: Mapping[str, tuple[bool, Sequence[str]]]) -> None:
    for task, (answered, shown) in seen.items():
        if not answered:
            texts = ", ".join(repr(text[:80]) for text in shown)
            logger.warning("task %s: answer.pattern finds no answer in any text, such as %s", task, texts)


def _texts(path: Path, store: Store) -> pd.DataFrame:
    metadata = pq.read_schema(path).metadata or {}
    made = json.loads(metadata.get(b"tasks", b"{}"))
    keys = dict(zip(made, json.loads(metadata.get(b"entries", b"[]")), strict=True))
    parts = [
        _read(store.texts(keys[task]), path, store) for task, how in made.items() if how.get("way") == "generation"
    ]
    return pd.concat(parts, ignore_index=True)[list(TEXTS)] if parts else empty_texts()


def _read(path: Path, scores: Path, store: Store) -> pd.DataFrame:
    try:
        table: pd.DataFrame = pq.read_table(path, columns=list(TEXTS)).to_pandas()
        return table
    except (OSError, pa.ArrowException, KeyError) as error:
        raise UserError(
            f"{path}: the texts behind {scores} are not there or not readable ({type(error).__name__}); delete those "
            f"scores and {store.entry(path.stem)}, and run again"
        ) from error

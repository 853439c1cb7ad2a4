"""The stage `generations`: texts that models wrote, from the store to one file per checkpoint."""

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trajectories.errors import UserError
from trajectories.files import whole_file
from trajectories.jobs.store import Store
from trajectories.questions.written import SHOWN
from trajectories.scoring.written import TEXTS, empty_texts
from trajectories.tables import COLUMNS, write_table

logger = logging.getLogger(__name__)


class Judged(Protocol):
    """What the evaluation harness makes of the texts of one checkpoint (`harness/texts.py`)."""

    @property
    def values(self) -> Sequence[Any]:
        """Each metric with its value, standard error and number of questions."""

    @property
    def answers(self) -> Sequence[str | None]:
        """The answer in each text; None where there is none."""

    @property
    def right(self) -> Sequence[bool | None]:
        """Whether each text is right; None where nothing says so."""


Judge = Callable[[Sequence[str]], Judged]


def write_generations(
    *,
    scores: Sequence[Path | str],
    outputs: Sequence[Path | str],
    store: Path | str,
    judges: Mapping[str, Judge] = MappingProxyType({}),
    judged: Path | str | None = None,
) -> None:
    """Write the texts behind each scores file (columns `TEXTS`), without rows where a checkpoint is left out.

    `judges` are those of the evaluation harness for its own tasks; what they make of the texts goes into the table
    `judged`. A task in whose texts no checkpoint gave an answer is said once, with three of them. Raises `UserError`
    when texts are not in the store any more.
    """
    seen: dict[str, tuple[bool, list[str]]] = {}
    rows: list[dict[str, Any]] = []
    for path, output in zip(scores, outputs, strict=True):
        table, found = _judged(_texts(Path(path), Store(Path(store))), judges)
        place = {"model": Path(path).parent.name, "step": int(Path(path).stem.removeprefix("step"))}
        rows += [place | row for row in found]
        for task, own in table.groupby("task", sort=False):
            answered, shown = seen.get(str(task), (False, []))
            more = [] if len(shown) >= SHOWN else own["text"].head(SHOWN - len(shown)).tolist()
            seen[str(task)] = answered or bool(own["answer"].notna().any()), shown + more
        with whole_file(output) as part:
            table.to_parquet(part, index=False)
    if judged is not None:
        write_table(pd.DataFrame(rows, columns=list(COLUMNS["judged"])), judged, "judged")
    _say_unanswered(seen, judges)


def _judged(texts: pd.DataFrame, judges: Mapping[str, Judge]) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return texts with what judges found in them, and the rows of their metrics."""
    parts, rows = [], []
    for task, own in texts.groupby("task", sort=False):
        if (judge := judges.get(str(task))) is not None:
            found = judge(own["text"].tolist())
            answers = pd.Series(np.array(found.answers, dtype=object), index=own.index)
            own = own.assign(answer=answers, right=pd.array(list(found.right), dtype="boolean"))
            rows += [{"task": str(task), **asdict(value)} for value in found.values]
        parts.append(own)
    return (pd.concat(parts, ignore_index=True) if parts else texts), rows


def _say_unanswered(seen: Mapping[str, tuple[bool, Sequence[str]]], judges: Collection[str]) -> None:
    for task, (answered, shown) in seen.items():
        if not answered:
            texts = ", ".join(repr(text[:80]) for text in shown)
            what = "the harness's filter" if task in judges else "answer.pattern"
            logger.warning("task %s: %s finds no answer in any text, such as %s", task, what, texts)


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

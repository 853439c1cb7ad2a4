"""`answers.tsv`: does a model answer a task's questions, or does it say the same whatever it is asked?

From scores the answers themselves are counted; where only accuracies are known, they are judged by `constants`. A
choice's place says something only where the truth does not always stand at one place: where it does, who always takes
that place is simply right.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from trajectories.analysis.constants import constant_flags, known_levels
from trajectories.analysis.points import Metrics, records
from trajectories.analysis.question_metrics import compared
from trajectories.errors import UserError
from trajectories.scoring.scores import read_scores
from trajectories.study.metrics import record_of
from trajectories.tables import COLUMNS, read_table, write_table

CONSTANT = 0.95
"""From this share on, the most frequent answer is the only one."""

FEWEST = 10
"""Fewer questions may be answered alike by chance."""

_SHARES = ("share_position", "share_text", "entropy", "constant_accuracy", "balanced_accuracy")

Row = dict[str, Any]
_READ = (
    "task", "question", "choice", "label", "loglikelihood", "characters", "bytes", "tokens", "is_greedy",
    "unconditional",
)  # fmt: skip


def write_answers(
    accuracy: Path | str,
    tasks: Path | str,
    scores: Mapping[tuple[str, int], Path],
    questions: Iterable[Path | str],
    metrics: Metrics,
    output: Path | str,
    threads: int = 1,
) -> None:
    """Write `answers.tsv` for the checkpoints of `accuracy`: tasks from `scores`, and what these lack from accuracies.

    `scores` goes by model and step, `questions` are files named after their tasks; without them all is judged by
    accuracies. Raises `UserError` for a file that cannot be read.
    """
    table = read_table(accuracy, "accuracy")
    own = read_table(tasks, "tasks")
    asked = dict(zip(own["task"].astype(str), own["metric"].astype(str), strict=True))
    texts = {Path(file).stem: Texts.read(file) for file in questions}
    there = [place for place in dict.fromkeys(zip(table["model"], table["step"], strict=True)) if place in scores]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(partial(answers_of, metrics=asked, texts=texts), [scores[place] for place in there]))
    rows = [{"model": m, "step": s, **row} for (m, s), own in zip(there, found, strict=True) for row in own]
    counted = pd.DataFrame(rows, columns=list(COLUMNS["answers"]))
    rest = {task: metric for task, metric in metrics.items() if task not in set(counted["task"])}
    judged = constant_flags(table, rest, known_levels(own)[1])
    parts = [part for part in (counted, judged.reindex(columns=list(COLUMNS["answers"]))) if len(part)]
    write_table(pd.concat(parts, ignore_index=True) if parts else counted, output, "answers")


@dataclass(frozen=True)
class Texts:
    """The choices of a task's questions as numbers (Q x most choices, -1 beyond a question's): equal ones are one text.

    `shared`: every question has the same texts, so that a text is a class as good as any.
    """

    codes: np.ndarray
    shared: bool

    @classmethod
    def read(cls, path: Path | str) -> "Texts":
        """Read a questions file. Raises `UserError` when it is damaged."""
        try:
            return cls.of(pq.read_table(path, columns=["choices"])["choices"].to_pylist())
        except (OSError, pa.ArrowException, KeyError) as error:
            raise UserError(f"{path}: not a readable questions file ({error}); delete it and run again") from error

    @classmethod
    def of(cls, choices: Sequence[Sequence[str]]) -> "Texts":
        """Return the numbers of choices, which are lists of texts; white space around a text is no part of it."""
        sizes = np.array([len(own) for own in choices])
        numbers, _ = pd.factorize(np.array([text.strip() for own in choices for text in own], dtype=object))
        codes = np.full((len(sizes), int(sizes.max())), -1)
        codes[np.arange(codes.shape[1]) < sizes[:, None]] = numbers
        ordered = np.sort(codes, axis=1)
        return cls(codes, bool((ordered == ordered[0]).all()))


def answers_of(scores: Path, metrics: Metrics, texts: Mapping[str, Texts]) -> list[Row]:
    """Return one row per task of a scores file whose questions have two choices or more and scores that tell."""
    table = read_scores(scores, columns=_READ)
    found = []
    for task, rows in table.groupby("task", sort=False, observed=True):
        given = taken(rows, metrics.get(str(task), "accuracy"))
        if given is not None:
            found.append({"task": str(task), **answers_row(*given, texts.get(str(task))), "by": "answers"})
    return found


def taken(scores: pd.DataFrame, metric: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return of one task's scores the questions (Q), the place of each one's answer (Q), and the labels (Q x choices).

    None where a question has one choice, asks after two prompts, or only whether it was answered right is known. Of
    answers that were written only the questions that have one; its place is -1 where it is no choice.
    """
    if record_of(metric).needs == "two prompts":
        return None
    ordered = scores.sort_values(["question", "choice"], kind="stable")
    question, starts = np.unique(ordered["question"].to_numpy(), return_index=True)
    sizes = np.diff(np.r_[starts, len(ordered)])
    if sizes.min() > 2 and (ordered["tokens"] == 0).all() and ordered["loglikelihood"].isna().all():
        return _written(ordered, question, sizes)
    values = compared(metric, ordered["loglikelihood"].to_numpy(float), lambda name: ordered[name].to_numpy(float))
    if sizes.min() < 2 or not np.isfinite(values).all():
        return None
    there = np.arange(sizes.max()) < sizes[:, None]
    value, label = np.full(there.shape, -np.inf), np.zeros(there.shape, bool)
    value[there], label[there] = values, ordered["label"].to_numpy(bool)
    return question, value.argmax(axis=1), label


def _written(
    scores: pd.DataFrame, question: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `taken` of a task whose answers were written: the last choice of a question stands for none."""
    there = np.arange(sizes.max()) < sizes[:, None]
    said, label = np.zeros(there.shape, bool), np.zeros(there.shape, bool)
    said[there], label[there] = scores["is_greedy"].to_numpy(bool), scores["label"].to_numpy(bool)
    answered = ~said[np.arange(len(sizes)), sizes - 1]
    place = np.where(said.any(axis=1), said.argmax(axis=1), -1)
    return question[answered], place[answered], label[answered][:, :-1]


def answers_row(question: np.ndarray, place: np.ndarray, label: np.ndarray, texts: Texts | None = None) -> Row:
    """Return what is to be said of the answers to one task's questions, as `taken` gives them.

    Answers that are no choice (place -1) are one more place for the entropy, and never the most frequent answer.
    """
    if not len(place):
        return dict.fromkeys(_SHARES, np.nan) | {"constant": False}
    choice = place >= 0
    count = np.bincount(place[choice], minlength=label.shape[1])
    share = np.append(count, (~choice).sum()) / len(place)
    row: Row = {"share_position": float(share[:-1].max()), "share_text": np.nan}
    row["entropy"] = float(-(share[share > 0] * np.log(share[share > 0])).sum()) + 0.0
    said = float(label[:, count.argmax()].mean())
    classes, right = label.argmax(axis=1), choice & label[np.arange(len(place)), place]
    telling = bool(label.mean(axis=0).max() < CONSTANT)  # whether the truth moves between places
    most = row["share_position"] if telling else 0.0
    if texts is not None:
        codes = texts.codes[question]
        texts_said = np.bincount(codes[np.flatnonzero(choice), place[choice]], minlength=1)
        row["share_text"] = float(texts_said.max() / len(place))
        if row["share_text"] >= most:
            most = row["share_text"]
            said = float((label & (codes == texts_said.argmax())[:, : label.shape[1]]).any(axis=1).mean())
        classes = codes[np.arange(len(place)), classes] if texts.shared else classes
    row["constant_accuracy"] = said
    row["balanced_accuracy"] = float(np.mean([right[classes == one].mean() for one in np.unique(classes)]))
    return row | {"constant": bool(most >= CONSTANT and len(place) >= FEWEST)}


def constant_share(answers: pd.DataFrame, tasks: Collection[str]) -> tuple[int, int]:
    """Return how many checkpoints of `tasks` give constant answers, and how many there are."""
    shown = answers[answers["task"].isin(tasks)]
    return int(is_constant(shown).sum()), len(shown)


def is_constant(answers: pd.DataFrame) -> np.ndarray:
    """Return the flag (n) of `answers.tsv`, however it was read."""
    return np.asarray(answers["constant"].astype(str).str.lower() == "true")


def constant_checkpoints(answers: Path | str | None) -> frozenset[tuple[str, int, str]]:
    """Return (model, step, task) of what `answers.tsv` flags; nothing without the table."""
    if answers is None:
        return frozenset()
    flagged = read_table(answers, "answers")
    flagged = flagged[is_constant(flagged)]
    return frozenset((str(row["model"]), int(row["step"]), str(row["task"])) for row in records(flagged))

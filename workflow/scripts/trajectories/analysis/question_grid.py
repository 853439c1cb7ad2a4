"""Question-level scores of a whole study, lined up: one grid of steps x questions per model and task."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajectories.analysis.points import Metrics, records
from trajectories.analysis.question_metrics import SCORE_COLUMNS, question_metrics
from trajectories.scoring.scores import read_scores
from trajectories.study.metrics import METRICS, MetricRecord

logger = logging.getLogger(__name__)

ScoreFiles = Mapping[tuple[str, int], Path]
"""(model, step) → its scores file."""


@dataclass(frozen=True)
class QuestionGrid:
    """One model on one task: S steps (ascending) x Q questions.

    `right` says whether the most likely choice is true, or where there is only one whether it is said greedily, and is
    `packed`, eight questions to a byte; running text has no right and wrong, and `judged` is false. `margin` is in nats
    (missing where no choice is false), `value` is the task's metric on the scale on which it is averaged, `weight` what
    a question weighs there (missing: all the same).
    """

    model: str
    parameters: int
    task: str
    steps: np.ndarray
    tokens: np.ndarray
    questions: np.ndarray
    packed: np.ndarray
    margin: np.ndarray
    value: np.ndarray
    weight: np.ndarray | None = None
    judged: bool = True

    @property
    def right(self) -> np.ndarray:
        """Return which questions are answered right (S x Q)."""
        return np.unpackbits(self.packed, axis=1, count=len(self.questions)).view(bool)


def pack(right: np.ndarray) -> np.ndarray:
    """Return which questions are answered right (S x Q) as a grid holds it: 300 MB less for 9,394 checkpoints."""
    return np.packbits(right, axis=1)


def question_grids(checkpoints: pd.DataFrame, scores: ScoreFiles, metrics: Metrics) -> list[QuestionGrid]:
    """Return the grids of all models, in the order of `metrics`, smallest model first; see `grids_by_model`."""
    return in_order((grid for grids in grids_by_model(checkpoints, scores, metrics) for grid in grids), metrics)


def grids_by_model(checkpoints: pd.DataFrame, scores: ScoreFiles, metrics: Metrics) -> Iterator[list[QuestionGrid]]:
    """Read the scores of `checkpoints` (columns model, parameters, step, tokens) and yield their grids model by model.

    Checkpoints without a file are left out. Questions that some checkpoint of a model lacks are left out with a
    warning. What is held at a time is one model's questions: a study of 9,394 checkpoints has a billion answers.
    """
    metrics = {task: metric for task, metric in metrics.items() if metric in METRICS}  # others come from elsewhere
    if not metrics:
        return
    wanted = {METRICS[metric] for metric in metrics.values()}
    names = dict.fromkeys(["accuracy", "greedy", "margin", *(record.name for record in wanted)])
    names |= dict.fromkeys(record.weight for record in wanted if record.weight)
    for _, rows in checkpoints.sort_values(["parameters", "model", "step"]).groupby(["parameters", "model"], sort=True):
        read: dict[str, list[_Read]] = defaultdict(list)
        for row in records(rows):
            if (path := scores.get((row["model"], row["step"]))) is not None:
                table = question_metrics(read_scores(path, columns=SCORE_COLUMNS), tuple(names))
                for task, part in _by_task(table):
                    if task in metrics:
                        read[task].append(_kept(row, part, METRICS[metrics[task]], read[task]))
        yield [_grid(task, read.pop(task)) for task in metrics if task in read]


@dataclass(frozen=True)
class _Read:
    """What a grid needs of one checkpoint (a row of the table of checkpoints) on one task, Q values each."""

    checkpoint: Mapping[str, Any]
    questions: np.ndarray
    right: np.ndarray
    margin: np.ndarray
    value: np.ndarray
    weight: np.ndarray | None

    def only(self, questions: np.ndarray) -> "_Read":
        """Return the values of these questions, which are all there."""
        if np.array_equal(questions, self.questions):
            return self
        places = np.searchsorted(self.questions, questions)
        right, margin, value = (values[places] for values in (self.right, self.margin, self.value))
        weight = None if self.weight is None else self.weight[places]
        return _Read(self.checkpoint, questions, right, margin, value, weight)


def _by_task(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of each task, which stand together."""
    codes, names = pd.factorize(table["task"])
    ends = np.flatnonzero(np.diff(codes)) + 1
    for start, end in zip(np.r_[0, ends], np.r_[ends, len(table)], strict=True):
        yield str(names[codes[start]]), table.iloc[start:end]


def _kept(checkpoint: Mapping[str, Any], part: pd.DataFrame, record: MetricRecord, before: Sequence[_Read]) -> _Read:
    """Return what a grid needs of a checkpoint's table; equal questions lie in memory once."""
    accuracy = part["accuracy"].to_numpy()
    right = np.where(np.isnan(accuracy), part["greedy"].to_numpy(), accuracy)
    margin, value = (part[name].to_numpy(np.float32) for name in ("margin", record.name))
    weight = part[record.weight].to_numpy(np.float32) if record.weight else None
    questions = part["question"].to_numpy(copy=True)
    if before and np.array_equal(questions, before[-1].questions):
        questions = before[-1].questions
    return _Read(checkpoint, questions, right.astype(np.float32), margin, value, weight)


def _grid(task: str, read: Sequence[_Read]) -> QuestionGrid:
    common = read[0].questions
    for one in read[1:]:
        if not np.array_equal(common, one.questions):
            common = np.intersect1d(common, one.questions)
    model = str(read[0].checkpoint["model"])
    if any(len(one.questions) > len(common) for one in read):
        logger.warning("%s, %s: only %d questions are scored at every step", model, task, len(common))
    kept = [one.only(common) for one in read]
    return QuestionGrid(
        model=model,
        parameters=int(read[0].checkpoint["parameters"]),
        task=task,
        steps=np.array([one.checkpoint["step"] for one in kept]),
        tokens=np.array([one.checkpoint["tokens"] for one in kept]),
        questions=common,
        packed=pack(np.stack([one.right > 0.5 for one in kept])),
        margin=np.stack([one.margin for one in kept]),
        value=np.stack([one.value for one in kept]),
        weight=kept[-1].weight,
        judged=not bool(np.isnan(kept[-1].right).any()),
    )


def in_order(grids: Iterable[QuestionGrid], metrics: Metrics) -> list[QuestionGrid]:
    """Return grids in the order of `metrics`, smallest model first."""
    rank = {task: place for place, task in enumerate(metrics)}
    return sorted(grids, key=lambda grid: (rank[grid.task], grid.parameters, grid.model))


def by_task(grids: Iterable[QuestionGrid]) -> dict[str, list[QuestionGrid]]:
    """Return the grids of each task, in order."""
    tasks: dict[str, list[QuestionGrid]] = defaultdict(list)
    for grid in grids:
        tasks[grid.task].append(grid)
    return dict(tasks)


def judged(grids: Iterable[QuestionGrid]) -> list[QuestionGrid]:
    """Return the grids of tasks whose questions can be right or wrong: all but running text."""
    return [grid for grid in grids if grid.judged]

"""Question-level scores of a whole study, lined up: one grid of steps x questions per model and task."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.accuracy import question_metrics
from trajectories.analysis.points import Metrics, records
from trajectories.scoring.scores import read_scores

logger = logging.getLogger(__name__)

SCORE_COLUMNS = ["task", "question", "choice", "label", "loglikelihood", "characters"]
ScoreFiles = Mapping[tuple[str, int], Path]
"""(model, step) → its scores file."""


@dataclass(frozen=True)
class QuestionGrid:
    """One model on one task: S steps (ascending) x Q questions.

    `right` says whether the most likely choice is true, `margin` is in nats (missing where no choice is false),
    `value` is the task's metric.
    """

    model: str
    parameters: int
    task: str
    steps: np.ndarray
    tokens: np.ndarray
    questions: np.ndarray
    right: np.ndarray
    margin: np.ndarray
    value: np.ndarray


def question_grids(checkpoints: pd.DataFrame, scores: ScoreFiles, metrics: Metrics) -> list[QuestionGrid]:
    """Read the scores of `checkpoints` (columns model, parameters, step, tokens) and line them up.

    Checkpoints without a file are left out. Questions that some checkpoint of a model lacks are left out with a
    warning. Grids come in the order of `metrics`, smallest model first.
    """
    found: dict[tuple[str, int, str], list[tuple[int, int, pd.DataFrame]]] = defaultdict(list)
    for row in records(checkpoints.sort_values(["parameters", "model", "step"])):
        path = scores.get((row["model"], row["step"]))
        if path is None:
            continue
        table = question_metrics(read_scores(path, columns=SCORE_COLUMNS))
        for task, questions in table.groupby("task"):
            if task in metrics:
                key = (str(task), row["parameters"], row["model"])
                kept = questions.set_index("question")[list(dict.fromkeys(["accuracy", "margin", metrics[str(task)]]))]
                found[key].append((row["step"], row["tokens"], kept.astype(np.float32)))
    order = {task: rank for rank, task in enumerate(metrics)}
    keys = sorted(found, key=lambda key: (order[key[0]], key[1], key[2]))
    return [_grid(key, found[key], metrics[key[0]]) for key in keys]


def _grid(key: tuple[str, int, str], tables: list[tuple[int, int, pd.DataFrame]], metric: str) -> QuestionGrid:
    task, parameters, model = key
    indexed = [table for _, _, table in tables]
    common = indexed[0].index
    for table in indexed[1:]:
        common = common.intersection(table.index)
    if any(len(table) > len(common) for table in indexed):
        logger.warning("%s, %s: only %d questions are scored at every step", model, task, len(common))

    def stacked(column: str) -> np.ndarray:
        return np.stack([table.loc[common, column].to_numpy() for table in indexed])

    return QuestionGrid(
        model=model,
        parameters=parameters,
        task=task,
        steps=np.array([step for step, _, _ in tables]),
        tokens=np.array([tokens for _, tokens, _ in tables]),
        questions=common.to_numpy(),
        right=stacked("accuracy") > 0.5,
        margin=stacked("margin"),
        value=stacked(metric),
    )


def by_task(grids: Iterable[QuestionGrid]) -> dict[str, list[QuestionGrid]]:
    """Return the grids of each task, in order."""
    tasks: dict[str, list[QuestionGrid]] = defaultdict(list)
    for grid in grids:
        tasks[grid.task].append(grid)
    return dict(tasks)

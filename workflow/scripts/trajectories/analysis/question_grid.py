"""Question-level scores of a whole study, lined up: one grid of steps x questions per model and task."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

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

    `right` says whether the most likely choice is true, or where there is only one whether it is said greedily;
    running text has no right and wrong, and `judged` is false. `margin` is in nats (missing where no choice is false),
    `value` is the task's metric on the scale on which it is averaged, `weight` what a question weighs there (missing:
    all the same).
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
    weight: np.ndarray | None = None
    judged: bool = True


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
                found[key].append((row["step"], row["tokens"], _kept(questions, METRICS[metrics[str(task)]])))
    order = {task: rank for rank, task in enumerate(metrics)}
    keys = sorted(found, key=lambda key: (order[key[0]], key[1], key[2]))
    return [_grid(key, found[key]) for key in keys]


def _kept(questions: pd.DataFrame, record: MetricRecord) -> pd.DataFrame:
    """Return what a grid needs of one checkpoint's questions, small."""
    right = questions["accuracy"].where(questions["accuracy"].notna(), questions["greedy"])
    kept = {"right": right, "margin": questions["margin"], "value": questions[record.name]}
    weight = {"weight": questions[record.weight]} if record.weight else {}
    return pd.DataFrame(kept | weight).set_index(questions["question"]).astype(np.float32)


def _grid(key: tuple[str, int, str], tables: list[tuple[int, int, pd.DataFrame]]) -> QuestionGrid:
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
        right=stacked("right") > 0.5,
        margin=stacked("margin"),
        value=stacked("value"),
        weight=indexed[-1].loc[common, "weight"].to_numpy() if "weight" in indexed[-1] else None,
        judged=bool(indexed[-1].loc[common, "right"].notna().all()),
    )


def by_task(grids: Iterable[QuestionGrid]) -> dict[str, list[QuestionGrid]]:
    """Return the grids of each task, in order."""
    tasks: dict[str, list[QuestionGrid]] = defaultdict(list)
    for grid in grids:
        tasks[grid.task].append(grid)
    return dict(tasks)


def judged(grids: Iterable[QuestionGrid]) -> list[QuestionGrid]:
    """Return the grids of tasks whose questions can be right or wrong: all but running text."""
    return [grid for grid in grids if grid.judged]

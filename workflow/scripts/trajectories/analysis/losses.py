"""The questions with the largest losses, with the words of the choice that won, and their margins over tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.flips import fates
from trajectories.analysis.points import records, table_of
from trajectories.analysis.question_grid import QuestionGrid, ScoreFiles, by_task, judged, pack
from trajectories.questions.question import Question
from trajectories.questions.stored import read_questions
from trajectories.scoring.scores import read_scores

Row = dict[str, object]


def losses_table(grids: Sequence[QuestionGrid], top: int = 20) -> pd.DataFrame:
    """Return per task the `top` questions with the largest losses, columns `COLUMNS["losses"]` without the words.

    A question's loss in a model that lost it for good is its fall in margin (nats) from the best checkpoint to the
    last; questions are ranked by the sum over such models. `models` says how many they are; `model` and the columns
    after it describe the one with the largest fall.
    """
    rows = [row for task, same in by_task(judged(grids)).items() for row in _task_losses(task, same, top)]
    return table_of(rows, "losses")


def _task_losses(task: str, grids: Sequence[QuestionGrid], top: int) -> list[Row]:
    falls = pd.concat([_falls(grid) for grid in grids], ignore_index=True)
    if falls.empty:
        return []
    total = falls.groupby("question")["fall"].agg(["sum", "count"])
    worst = falls.loc[falls.groupby("question")["fall"].idxmax()].set_index("question")
    ranked = worst.join(total).sort_values("sum", ascending=False, kind="stable").head(top).reset_index()
    return [
        {**row, "task": task, "rank": rank, "models": row["count"]} for rank, row in enumerate(records(ranked), start=1)
    ]


def _falls(grid: QuestionGrid) -> pd.DataFrame:
    """Return the questions that this model lost for good, with margins at their best and at the last checkpoint."""
    lost = np.flatnonzero(fates(grid.right)["lost_for_good"] & np.isfinite(grid.margin).all(axis=0))
    best = grid.margin[:, lost].argmax(axis=0)
    high, last = grid.margin[best, lost].astype(float), grid.margin[-1, lost].astype(float)
    return pd.DataFrame(
        {
            "question": grid.questions[lost],
            "model": grid.model,
            "best_step": grid.steps[best],
            "best_margin": high,
            "last_step": grid.steps[-1],
            "last_margin": last,
            "fall": high - last,
        }
    )


def with_words(losses: pd.DataFrame, questions: Mapping[str, Path], scores: ScoreFiles) -> pd.DataFrame:
    """Fill `context`, `truth` (the most likely true choice at the last step) and `lure` (the false one that won).

    `questions` maps tasks to their question files, whose order gives the numbers; a task without one keeps no words.
    """
    texts = {task: read_questions(questions[task]) for task in losses["task"].unique() if task in questions}
    read: dict[tuple[str, int], dict[tuple[str, int], pd.DataFrame]] = {}
    rows = records(losses)
    for row in rows:
        key = (row["model"], row["last_step"])
        if row["task"] not in texts or key not in scores:
            continue
        if key not in read:
            read[key] = _choices(scores[key], losses)
        row |= _words(texts[row["task"]][int(row["question"])], read[key][row["task"], row["question"]])
    return table_of(rows, "losses")


def _choices(path: Path, losses: pd.DataFrame) -> dict[tuple[str, int], pd.DataFrame]:
    """Return the choices of the questions of `losses` under one checkpoint."""
    scores = read_scores(path, columns=["task", "question", "choice", "label", "loglikelihood"])
    there = scores[scores["question"].isin(losses["question"].unique())].astype({"task": object})
    wanted = there.merge(losses[["task", "question"]].drop_duplicates(), on=["task", "question"])
    found = (part for _, part in wanted.groupby(["task", "question"]))
    return {(str(part["task"].iloc[0]), int(part["question"].iloc[0])): part for part in found}


def _words(question: Question, choices: pd.DataFrame) -> Row:
    ranked = choices.sort_values("loglikelihood", ascending=False, kind="stable")
    truth, lure = (ranked.loc[ranked["label"] == label, "choice"].iloc[0] for label in (1, 0))
    return {
        "context": _one_line(question.context),
        "truth": _one_line(question.choices[truth]),
        "lure": _one_line(question.choices[lure]),
    }


def _one_line(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def of_losses(grids: Sequence[QuestionGrid], losses: pd.DataFrame) -> list[QuestionGrid]:
    """Return the grids of the tasks in `losses`, with the questions there alone and without values."""
    wanted = losses.groupby("task")["question"].agg(list).to_dict() if len(losses) else {}
    return [_only(grid, wanted[grid.task]) for grid in grids if grid.task in wanted]


def _only(grid: QuestionGrid, wanted: list[object]) -> QuestionGrid:
    places = np.flatnonzero(np.isin(grid.questions, np.array(wanted)))
    packed, margin = pack(grid.right[:, places]), grid.margin[:, places]
    return replace(grid, questions=grid.questions[places], packed=packed, margin=margin, value=np.empty(0), weight=None)


def margins_table(grids: Sequence[QuestionGrid]) -> pd.DataFrame:
    """Return the margins of all questions of the grids at every checkpoint of every model, `COLUMNS["margins"]`."""
    return pd.concat(map(_margins, grids), ignore_index=True) if grids else table_of([], "margins")


def _margins(grid: QuestionGrid) -> pd.DataFrame:
    steps, count = len(grid.steps), len(grid.questions)
    return pd.DataFrame(
        {
            "task": grid.task,
            "question": np.tile(grid.questions, steps),
            "model": grid.model,
            "parameters": grid.parameters,
            "step": np.repeat(grid.steps, count),
            "tokens": np.repeat(grid.tokens, count),
            "margin": grid.margin.ravel(),
            "right": grid.right.ravel().astype(int),
        }
    )

"""From scores to accuracies: every metric of a question, then mean and standard error per task.

Metrics (each per question, then averaged):

- accuracy: 1 when the choice with the highest log-likelihood is true (ties: the first choice wins);
- accuracy_norm: the same with log-likelihood per character of the choice;
- mc1: the name of `accuracy` on TruthfulQA's questions with one true choice (Lin et al. 2022);
- mc2: probability mass on the true choices, normalised over the choices (Lin et al. 2022);
- loss: -log of that mass in nats, the Inverse Scaling Prize's classification loss (McKenzie et al. 2023);
- margin: log-likelihood of the best true choice minus that of the best false one (missing where none is false);
- ties: 1 when more than one choice has the highest log-likelihood.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.points import records
from trajectories.errors import UserError
from trajectories.scoring.scores import read_scores
from trajectories.tables import COLUMNS, write_table

METRICS = ("accuracy", "accuracy_norm", "mc1", "mc2", "loss", "margin", "ties")


def question_metrics(scores: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task and question with a column per metric, from the scores of one checkpoint.

    `scores` has one row per choice: task, question, choice, label (0/1), loglikelihood (nats), characters.
    Rows may be in any order. Raises `UserError` on a log-likelihood that is not finite, a question without a true
    choice, a choice scored twice, or a choice of no characters.
    """
    _check(scores)
    ordered = scores.sort_values(["task", "question", "choice"], kind="stable")
    starts = _starts(ordered)
    label = ordered["label"].to_numpy(bool)
    loglikelihood = ordered["loglikelihood"].to_numpy(np.float64)
    winner, ties = _highest(loglikelihood, starts)
    winner_norm, _ = _highest(loglikelihood / ordered["characters"].to_numpy(np.float64), starts)
    loss = _log_sum(loglikelihood, starts) - _log_sum(np.where(label, loglikelihood, -np.inf), starts)
    right = label[winner].astype(float)
    metrics = {
        "accuracy": right,
        "accuracy_norm": label[winner_norm].astype(float),
        "mc1": right,
        "mc2": np.exp(-loss),
        "loss": loss,
        "margin": _margin(loglikelihood, label, starts),
        "ties": (ties > 1).astype(float),
    }
    table = ordered.iloc[starts][["task", "question"]].reset_index(drop=True).assign(**metrics)
    _check_true(table, np.logical_or.reduceat(label, starts))
    return table


def accuracy_rows(scores: pd.DataFrame, model: str, parameters: int, step: int, tokens: int) -> pd.DataFrame:
    """Return one row per task and metric of one checkpoint, columns `COLUMNS["accuracy"]`.

    `stderr` is the sample standard deviation over questions divided by sqrt(questions), as the evaluation harness
    computes it; missing for a single question.
    """
    return summarise(question_metrics(scores), model, parameters, step, tokens)


def summarise(questions: pd.DataFrame, model: str, parameters: int, step: int, tokens: int) -> pd.DataFrame:
    """Return `accuracy_rows` from the output of `question_metrics`."""
    long = questions.melt(["task"], list(METRICS), "metric", "value")
    summary = long.groupby(["task", "metric"], sort=False)["value"].agg(["mean", "std", "count"])
    summary = summary[summary["count"] > 0].reset_index()
    table = pd.DataFrame(
        {
            "model": model,
            "parameters": parameters,
            "step": step,
            "tokens": tokens,
            "task": summary["task"],
            "metric": summary["metric"],
            "value": summary["mean"],
            "stderr": summary["std"] / np.sqrt(summary["count"]),
            "questions": summary["count"],
        },
        columns=list(COLUMNS["accuracy"]),
    )
    return table.sort_values("task", kind="stable").reset_index(drop=True)


def write_accuracy(checkpoints: pd.DataFrame, scores: Mapping[tuple[str, int], Path], output: Path | str) -> None:
    """Write `accuracy.tsv` for the checkpoints (columns model, parameters, step, tokens) that have a scores file.

    `scores` maps (model, step) to its parquet file.
    """
    columns = ["task", "question", "choice", "label", "loglikelihood", "characters"]
    names = ["model", "parameters", "step", "tokens"]
    tables = [
        accuracy_rows(read_scores(scores[row["model"], row["step"]], columns=columns), **row)
        for row in records(checkpoints[names])
        if (row["model"], row["step"]) in scores
    ]
    empty = pd.DataFrame(columns=list(COLUMNS["accuracy"]))
    write_table(pd.concat(tables, ignore_index=True) if tables else empty, output, "accuracy")


def _check(scores: pd.DataFrame) -> None:
    if scores.empty:
        raise UserError("scores: the file has no rows; delete it and score the checkpoint again")
    for column, wrong, problem in (
        ("loglikelihood", ~np.isfinite(scores["loglikelihood"]), "a log-likelihood that is not a finite number"),
        ("characters", scores["characters"] <= 0, "a choice of no characters"),
        ("choice", scores.duplicated(["task", "question", "choice"]), "a choice that was scored twice"),
    ):
        if wrong.any():
            row = scores[wrong].iloc[0]
            raise UserError(f"scores: task {row['task']}, question {row['question']} has {problem} ({row[column]})")


def _check_true(table: pd.DataFrame, has_true: np.ndarray) -> None:
    if not has_true.all():
        row = table[~has_true].iloc[0]
        raise UserError(f"scores: task {row['task']}, question {row['question']} has no true choice")


def _starts(ordered: pd.DataFrame) -> np.ndarray:
    """Return where each question begins in rows sorted by task and question."""
    task, _ = pd.factorize(ordered["task"])
    question, _ = pd.factorize(ordered["question"])
    new = np.r_[True, (np.diff(task) != 0) | (np.diff(question) != 0)]
    return np.flatnonzero(new)


def _highest(values: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return per question the row where the highest value stands first, and how many rows have it."""
    sizes = np.diff(np.r_[starts, len(values)])
    highest = np.maximum.reduceat(values, starts)
    is_highest = values == np.repeat(highest, sizes)
    rows = np.where(is_highest, np.arange(len(values)), len(values))
    return np.minimum.reduceat(rows, starts), np.add.reduceat(is_highest.astype(int), starts)


def _log_sum(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return log(sum(exp(values))) per question, -inf where all values are."""
    sizes = np.diff(np.r_[starts, len(values)])
    highest = np.maximum.reduceat(values, starts)
    shift = np.where(np.isfinite(highest), highest, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(shift + np.log(np.add.reduceat(np.exp(values - np.repeat(shift, sizes)), starts)))


def _margin(loglikelihood: np.ndarray, label: np.ndarray, starts: np.ndarray) -> np.ndarray:
    true = np.maximum.reduceat(np.where(label, loglikelihood, -np.inf), starts)
    false = np.maximum.reduceat(np.where(label, -np.inf, loglikelihood), starts)
    return np.where(np.isfinite(true) & np.isfinite(false), true - false, np.nan)

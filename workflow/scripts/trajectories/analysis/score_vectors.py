"""A checkpoint as a vector: the log-likelihoods of a fixed sample of choices, each question's own level taken out.

The level of a question (the mean over its choices) moves up and down in training while the model's preferences go their
way, so distances without it are in the order of steps more strictly: measured in `docs/checkpoints.md`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trajectories.scoring.scores import read_scores

MOST_CHOICES = 4000  # of a study; tasks share them evenly
FEWEST_TEXTS = 10  # whose mean loss is looked at
_PLACE = ["task", "question", "choice"]
_READ = [*_PLACE, "loglikelihood", "tokens"]
Matrix = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class ScoreVectors:
    """The checkpoints of one model: `values` [steps, choices] in nats, `choices` names the columns.

    `texts` [choices] says which of them are texts, questions with one choice: running texts and continuations.
    """

    model: str
    steps: tuple[int, ...]
    choices: pd.MultiIndex
    values: Matrix
    texts: Flags

    def distances(self) -> Matrix:
        """Return the root-mean-square distance between any two checkpoints [steps, steps], in nats."""
        return distances(self.values)

    def losses(self) -> Matrix | None:
        """Return each checkpoint's mean loss on texts [steps], in nats per token; None with too few texts."""
        return -self.values[:, self.texts].mean(axis=1) if self.texts.sum() >= FEWEST_TEXTS else None


def distances(values: Matrix) -> Matrix:
    """Return the root-mean-square distance between any two rows."""
    products = values @ values.T
    squares = np.diagonal(products)
    apart = squares[:, None] + squares[None, :] - 2 * products
    np.fill_diagonal(apart, 0.0)
    return np.asarray(np.sqrt(np.maximum(apart, 0.0) / max(1, values.shape[1])))


def score_vectors(model: str, files: Mapping[int, Path], tasks: Sequence[str]) -> ScoreVectors:
    """Read the checkpoints of one model; `files` are scores files by step, in the order of steps.

    Files without rows are passed over. Choices that some checkpoint lacks, as in imports, are left out for all.
    """
    read = {step: _contrasts(read_scores(path, columns=_READ), tasks) for step, path in files.items()}
    found = {step: vector for step, vector in read.items() if len(vector)}
    if not found:
        nothing = pd.MultiIndex.from_arrays([[], [], []], names=_PLACE)
        return ScoreVectors(model, (), nothing, np.zeros((0, 0)), np.zeros(0, np.bool_))
    values = {step: table["value"] for step, table in found.items()}
    table = pd.concat(values, axis="columns", join="inner").dropna().sort_index()
    choices = pd.MultiIndex.from_tuples(list(table.index), names=_PLACE)
    texts = next(iter(found.values()))["text"].reindex(table.index).to_numpy(np.bool_)
    return ScoreVectors(model, tuple(found), choices, table.to_numpy(np.float64).T, texts)


def _contrasts(scores: pd.DataFrame, tasks: Sequence[str]) -> pd.DataFrame:
    """Return the sample's log-likelihoods by choice, less the mean of their question, and which choices are texts.

    A question with one choice (a continuation, a running text) has no such mean; it counts per token.
    """
    chosen = scores[_sampled(scores, max(1, MOST_CHOICES // max(1, len(tasks))))]
    place = [chosen["task"], chosen["question"]]
    grouped = chosen["loglikelihood"].groupby(place, observed=True)
    alone = grouped.transform("size") == 1
    per_token = chosen["loglikelihood"] / chosen["tokens"].clip(lower=1)
    value = (chosen["loglikelihood"] - grouped.transform("mean")).where(~alone, per_token)
    index = pd.MultiIndex.from_frame(chosen[_PLACE])
    return pd.DataFrame({"value": value.to_numpy(), "text": alone.to_numpy()}, index=index)


def _sampled(scores: pd.DataFrame, quota: int) -> "pd.Series[bool]":
    """Return which rows are in the sample: of each task, questions at even distances, about `quota` choices.

    Which questions these are follows from their numbers alone, so every checkpoint has the same.
    """
    kept = pd.Series(False, index=scores.index)
    for _, rows in scores.groupby("task", observed=True, sort=False):
        questions = np.sort(rows["question"].unique())
        most = max(1, int(quota * len(questions) / len(rows)))
        even = questions[np.unique(np.linspace(0, len(questions) - 1, min(most, len(questions))).astype(int))]
        kept.loc[rows.index] = rows["question"].isin(even)
    return kept

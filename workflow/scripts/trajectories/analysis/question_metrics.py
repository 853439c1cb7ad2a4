"""From scores to single questions: every metric of a question.

`docs/metrics.md` has the formulas. Of a question with several true choices the most likely one counts where a metric
is of one choice (greedy, perplexity, bits_per_byte). Sources: mc1, mc2: Lin et al. 2022; loss: McKenzie et al. 2023;
pmi (log-likelihood after the context minus that after nothing): Brown et al. 2020, Holtzman et al. 2021.
"""

import numpy as np
import pandas as pd

from trajectories.errors import UserError
from trajectories.study.metrics import METRICS

SCORE_COLUMNS = (
    "task", "question", "choice", "label", "loglikelihood", "tokens", "characters", "bytes", "words", "is_greedy",
    "unconditional", "running",
)  # fmt: skip
"""The columns of a scores file that metrics are made of."""


def question_metrics(scores: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task and question from the scores of one checkpoint: a column per metric, and its weights.

    `scores` has one row per choice: task, question, choice, label (0/1), loglikelihood (nats), characters, and what
    else of `SCORE_COLUMNS` is there; rows may be in any order. A metric is missing where a question has not what it
    needs; one whose mean is of logs (`MetricRecord.geometric`) is the log of its value. `bytes` and `words` are
    those of the choice that counts. Raises `UserError` on a log-likelihood that is not finite, a question without a
    true choice, a choice scored twice, or a choice of no characters.
    """
    _check(scores)
    ordered = scores.sort_values(["task", "question", "choice"], kind="stable")
    choices = _Choices(ordered)
    table = ordered.iloc[choices.starts][["task", "question"]].reset_index(drop=True)
    _check_true(table, np.logical_or.reduceat(choices.label, choices.starts))
    of_choices, of_truth = choices.compared(), choices.of_the_truth()
    return table.assign(**{name: (of_choices | of_truth)[name] for name in (*METRICS, "bytes", "words")})


class _Choices:
    """The choices of all questions, n rows sorted by task, question and choice; Q questions begin at `starts`."""

    def __init__(self, ordered: pd.DataFrame) -> None:
        self.ordered = ordered
        self.starts = _starts(ordered)
        self.sizes = np.diff(np.r_[self.starts, len(ordered)])
        self.label = ordered["label"].to_numpy(bool)
        told = self.number("loglikelihood")
        self.loglikelihood = np.nan_to_num(told)
        self.untold = np.isnan(told)[self.starts]  # right or wrong is all that is known of these questions
        self.running = np.nan_to_num(self.number("running"))[self.starts] > 0

    def number(self, column: str) -> np.ndarray:
        """Return a column (n) as numbers, missing throughout where the scores have none."""
        if column not in self.ordered:
            return np.full(len(self.ordered), np.nan)
        return self.ordered[column].to_numpy(np.float64)

    def compared(self) -> dict[str, np.ndarray]:
        """Return the metrics (Q each) that compare choices, missing where there is only one."""
        values, label, starts = self.loglikelihood, self.label, self.starts
        _, ties = _highest(values, starts)
        loss = _log_sum(values, starts) - _log_sum(np.where(label, values, -np.inf), starts)
        right = self._right(values)
        metrics = {
            "accuracy": right,
            "accuracy_norm": self._right(values / self.number("characters")),
            "accuracy_bytes": self._right(values / self.number("bytes")),
            "accuracy_tokens": self._right(values / np.where(self.number("tokens") > 0, self.number("tokens"), np.nan)),
            "accuracy_pmi": self._right(values - self.number("unconditional")),
            "mc1": right,
            "mc2": np.exp(-loss),
            "loss": loss,
            "margin": _margin(values, label, starts),
            "ties": (ties > 1).astype(float),
        }
        return {name: np.where(self.sizes > 1, value, np.nan) for name, value in metrics.items()}

    def of_the_truth(self) -> dict[str, np.ndarray]:
        """Return the metrics (Q each) of the most likely true choice, or of the running text, and its size."""
        truth, _ = _highest(np.where(self.label, self.loglikelihood, -np.inf), self.starts)
        surprisal, size, words = -self.loglikelihood[truth], self.number("bytes")[truth], self.number("words")[truth]
        greedy = np.maximum.reduceat(np.where(self.label, self.number("is_greedy"), -np.inf), self.starts)
        surprisal = np.where(self.untold, np.nan, surprisal)
        with np.errstate(divide="ignore", invalid="ignore"):
            return {
                "greedy": np.where(self.running, np.nan, greedy),
                "perplexity": np.where(self.running, np.nan, surprisal),
                "word_perplexity": np.where(self.running, surprisal / words, np.nan),
                "bits_per_byte": np.where(size > 0, surprisal / size / np.log(2), np.nan),
                "bytes": size,
                "words": words,
            }

    def _right(self, values: np.ndarray) -> np.ndarray:
        """Return whether the choice with the highest value (Q) is true; missing where a value is."""
        winner, _ = _highest(values, self.starts)
        known = np.isfinite(np.minimum.reduceat(values, self.starts))
        return np.where(known, self.label[np.where(known, winner, 0)].astype(float), np.nan)


def _check(scores: pd.DataFrame) -> None:
    if scores.empty:
        raise UserError("scores: the file has no rows; delete it and score the checkpoint again")
    for column, wrong, problem in (
        ("loglikelihood", _impossible(scores), "a log-likelihood that is not a finite number"),
        ("characters", scores["characters"] <= 0, "a choice of no characters"),
        ("choice", scores.duplicated(["task", "question", "choice"]), "a choice that was scored twice"),
    ):
        if wrong.any():
            row = scores[wrong].iloc[0]
            raise UserError(f"scores: task {row['task']}, question {row['question']} has {problem} ({row[column]})")


def _impossible(scores: pd.DataFrame) -> np.ndarray:
    """Return which rows have an infinite log-likelihood, or none although tokens were scored."""
    told = scores["loglikelihood"].to_numpy(float)
    unscored = scores["tokens"].to_numpy() == 0 if "tokens" in scores else np.zeros(len(scores), bool)
    return np.asarray(~np.isfinite(told) & ~(np.isnan(told) & unscored))


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

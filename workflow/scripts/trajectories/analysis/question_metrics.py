"""From scores to single questions: every metric of a question.

`docs/metrics.md` has the formulas. Of a question with several true choices the most likely one counts where a metric
is of one choice (greedy, perplexity, bits_per_byte). Sources: mc1, mc2: Lin et al. 2022; loss: McKenzie et al. 2023;
sequence_loss, logodds: the prize's evaluation;
pmi (log-likelihood after the context minus that after nothing): Brown et al. 2020, Holtzman et al. 2021.

A question whose answer was written has no log-likelihoods: of its choices the one that was said is greedy, and one more
choice, the last, stands for a text without an answer.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trajectories.errors import UserError
from trajectories.study.metrics import METRICS

SCORE_COLUMNS = (
    "task", "question", "choice", "label", "loglikelihood", "tokens", "characters", "bytes", "words", "is_greedy",
    "unconditional", "running",
)  # fmt: skip
"""The columns of a scores file that metrics are made of."""


WEIGHTS = ("bytes", "words")
OF_THE_TRUTH = frozenset({"greedy", "sequence_loss", "perplexity", "word_perplexity", "bits_per_byte", *WEIGHTS})
DIVIDED_BY = {"accuracy_norm": "characters", "accuracy_bytes": "bytes", "accuracy_tokens": "tokens"}
PLACE = "place"
"""Where a question's first true choice stands: the class that `accuracy_balanced` weighs alike."""


def question_metrics(scores: pd.DataFrame, names: Collection[str] = (*METRICS, *WEIGHTS, PLACE)) -> pd.DataFrame:
    """Return one row per task and question from the scores of one checkpoint: a column per metric, and its weights.

    `names` says which of them; few are made much faster than all.

    `scores` has one row per choice: task, question, choice, label (0/1), loglikelihood (nats), characters, and what
    else of `SCORE_COLUMNS` is there; rows may be in any order. A metric is missing where a question has not what it
    needs; one whose mean is of logs (`MetricRecord.geometric`) is the log of its value. `bytes` and `words` are
    those of the choice that counts. Raises `UserError` on a log-likelihood that is not finite, a question without a
    true choice, a choice scored twice, or a choice of no characters.
    """
    ordered = _in_order(scores)
    _check(scores, ordered)
    sizes = np.diff(np.r_[ordered.starts, len(ordered.label)])
    found = {name: np.full(len(sizes), np.nan) for name in names}
    for size in np.unique(sizes):
        of = np.flatnonzero(sizes == size)
        block = _Block(ordered, np.asfortranarray(ordered.starts[of][:, None] + np.arange(size)))
        for name in names:
            if size > 1 or name in OF_THE_TRUTH:
                found[name][of] = block.metric(name)
    places = ordered.rows[ordered.starts]
    where = scores[["task", "question"]].iloc[places].reset_index(drop=True)
    return pd.DataFrame({"task": where["task"].astype(object), "question": where["question"]} | found)


@dataclass(frozen=True)
class _Ordered:
    """The n choices of all questions, sorted by task, question and choice: their rows in the scores, their labels, and
    where each question starts."""

    scores: pd.DataFrame
    rows: np.ndarray
    starts: np.ndarray
    label: np.ndarray

    def number(self, column: str) -> np.ndarray | None:
        """Return a column (n) as numbers; None where the scores have none or none of its values."""
        if column not in self.scores:
            return None
        values = self.scores[column].to_numpy(np.float64)[self.rows]
        return None if np.isnan(values).all() else values


class _Block:
    """Q questions of the same number of choices; `rows` (Q x choices) are places in the ordered choices.

    They lie in memory choice after choice, as then do all arrays of their shape: what is made of few choices of many
    questions is several times faster so.
    """

    def __init__(self, ordered: _Ordered, rows: np.ndarray) -> None:
        self._ordered, self._rows = ordered, rows
        self.label = ordered.label[rows]
        told = self.column("loglikelihood")
        self.loglikelihood = np.nan_to_num(told)
        self.untold = np.isnan(told[:, 0])  # right or wrong is all that is known of these questions
        self.running = np.nan_to_num(self.column("running"))[:, 0] > 0

    def column(self, name: str) -> np.ndarray:
        """Return a column (Q x choices), missing throughout where the scores have none."""
        values = self._ordered.number(name)
        return np.full(self._rows.shape, np.nan) if values is None else values[self._rows]

    def metric(self, name: str) -> np.ndarray:
        """Return a metric (Q), or a size of the choice that counts; missing where a question has not what it needs."""
        if name in OF_THE_TRUTH:
            return self._of_the_truth(name)
        if name == PLACE:
            return np.asarray(self.label.argmax(axis=1), float)
        said = self._of_the_written(name)
        return said if self.untold.all() else np.where(self.untold, said, self._of_values(name))

    def _of_the_written(self, name: str) -> np.ndarray:
        """Return what is known of answers that were written: whether there is one, and whether it is right."""
        said = self.column("is_greedy")
        if name == "answered":
            return np.where(self.untold, 1 - said[:, -1], np.nan)
        known = self.untold & (name in ("accuracy", "accuracy_balanced"))
        return np.where(known, (said * self.label).max(axis=1), np.nan)

    def _of_values(self, name: str) -> np.ndarray:
        values, label = self.loglikelihood, self.label
        if name == "answered":
            return np.full(len(values), np.nan)
        if name in ("loss", "mc2"):
            loss = _log_sum(values) - _log_sum(np.where(label, values, -np.inf))
            return np.asarray(np.exp(-loss) if name == "mc2" else loss)
        if name in ("logodds", "absolute_logodds"):
            odds = _logodds(values, label)
            return np.abs(odds) if name == "absolute_logodds" else odds
        if name == "margin":
            return _margin(values, label)
        if name == "ties":
            return np.asarray((values == values.max(axis=1)[:, None]).sum(axis=1) > 1, float)
        return self._right(compared(name, values, self.column))  # accuracies and mc1

    def _of_the_truth(self, name: str) -> np.ndarray:
        """Return what is of the most likely true choice, or of the running text."""
        if name == "greedy":
            said = np.where(self.label, self.column("is_greedy"), -np.inf).max(axis=1)
            return np.where(self.running, np.nan, said)
        every, truth = np.arange(len(self.label)), np.where(self.label, self.loglikelihood, -np.inf).argmax(axis=1)
        if name in WEIGHTS:
            return np.asarray(self.column(name)[every, truth])
        surprisal = np.where(self.untold, np.nan, -self.loglikelihood[every, truth])
        if name in ("perplexity", "sequence_loss"):
            return np.where(self.running, np.nan, surprisal)
        words, size = self.column("words")[every, truth], self.column("bytes")[every, truth]
        with np.errstate(divide="ignore", invalid="ignore"):
            if name == "word_perplexity":
                return np.where(self.running, surprisal / words, np.nan)
            return np.where(size > 0, surprisal / size / np.log(2), np.nan)

    def _right(self, values: np.ndarray) -> np.ndarray:
        """Return whether the choice with the highest value (Q) is true, the first of equals; missing where one is."""
        known = np.isfinite(values).all(axis=1)
        if not known.any():
            return np.full(len(values), np.nan)
        winner = np.where(known[:, None], values, 0.0).argmax(axis=1)
        return np.where(known, self.label[np.arange(len(values)), winner].astype(float), np.nan)


def compared(name: str, loglikelihood: np.ndarray, column: Callable[[str], np.ndarray]) -> np.ndarray:
    """Return what a metric compares choices by, in the shape of their log-likelihoods; `column` gives others of it."""
    if name in DIVIDED_BY:
        divisor = column(DIVIDED_BY[name])
        return np.asarray(loglikelihood / np.where(divisor > 0, divisor, np.nan))
    return loglikelihood - column("unconditional") if name == "accuracy_pmi" else loglikelihood


def _in_order(scores: pd.DataFrame) -> _Ordered:
    """Return the choices in order of task, question and choice. Scores files are in that order already."""
    if scores.empty:
        raise UserError("scores: the file has no rows; delete it and score the checkpoint again")
    task, _ = pd.factorize(scores["task"])
    question, choice = scores["question"].to_numpy(), scores["choice"].to_numpy()
    rows = np.arange(len(scores))
    if not _ascends(task, question, choice):
        rows = np.lexsort((choice, question, pd.factorize(scores["task"], sort=True)[0]))
        task, question = task[rows], question[rows]
    starts = np.flatnonzero(np.r_[True, (np.diff(task) != 0) | (np.diff(question) != 0)])
    return _Ordered(scores, rows, starts, scores["label"].to_numpy(bool)[rows])


def _ascends(task: np.ndarray, question: np.ndarray, choice: np.ndarray) -> bool:
    next_task, next_question, next_choice = np.diff(task), np.diff(question), np.diff(choice)
    same = (next_task == 0) & (next_question >= 0) & ((next_question > 0) | (next_choice > 0))
    return bool(((next_task > 0) | same).all())


def _check(scores: pd.DataFrame, ordered: _Ordered) -> None:
    """Refuse scores of which no metric can be made, naming the question."""
    for column, wrong, problem in (
        ("loglikelihood", _impossible(scores), "a log-likelihood that is not a finite number"),
        ("characters", (scores["characters"] <= 0).to_numpy(), "a choice of no characters"),
        ("choice", _twice(scores, ordered), "a choice that was scored twice"),
    ):
        if wrong.any():
            row = scores[wrong].iloc[0]
            raise UserError(f"scores: task {row['task']}, question {row['question']} has {problem} ({row[column]})")
    true = np.logical_or.reduceat(ordered.label, ordered.starts)
    if not true.all():
        row = scores.iloc[ordered.rows[ordered.starts[~true]][0]]
        raise UserError(f"scores: task {row['task']}, question {row['question']} has no true choice")


def _twice(scores: pd.DataFrame, ordered: _Ordered) -> np.ndarray:
    """Return which rows repeat a choice of their question."""
    choice = scores["choice"].to_numpy()[ordered.rows]
    again = np.r_[False, np.diff(choice) == 0]
    again[ordered.starts] = False
    found = np.zeros(len(scores), bool)
    found[ordered.rows[again]] = True
    return found


def _impossible(scores: pd.DataFrame) -> np.ndarray:
    """Return which rows have an infinite log-likelihood, or none although tokens were scored."""
    told = scores["loglikelihood"].to_numpy(float)
    unscored = scores["tokens"].to_numpy() == 0 if "tokens" in scores else np.zeros(len(scores), bool)
    return np.asarray(~np.isfinite(told) & ~(np.isnan(told) & unscored))


def _log_sum(values: np.ndarray) -> np.ndarray:
    """Return log(sum(exp(values))) of each question (Q x choices), -inf where all values are."""
    highest = values.max(axis=1)
    shift = np.where(np.isfinite(highest), highest, 0.0)
    with np.errstate(divide="ignore"):
        parts = np.ascontiguousarray(np.exp(values - shift[:, None]))  # summed as a row is: the same to the last bit
        return np.asarray(shift + np.log(parts.sum(axis=1)))


def _logodds(values: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return how much more the true of two choices is favoured after the first context than after the second (Q)."""
    if values.shape[1] != 4:
        return np.full(len(values), np.nan)
    favoured = np.where(label, values, -values)
    asked = (label[:, :2] == label[:, 2:]).all(axis=1) & (label[:, 0] != label[:, 1])
    return np.where(asked, favoured[:, :2].sum(axis=1) - favoured[:, 2:].sum(axis=1), np.nan)


def _margin(values: np.ndarray, label: np.ndarray) -> np.ndarray:
    true = np.where(label, values, -np.inf).max(axis=1)
    false = np.where(label, -np.inf, values).max(axis=1)
    return np.where(np.isfinite(true) & np.isfinite(false), true - false, np.nan)

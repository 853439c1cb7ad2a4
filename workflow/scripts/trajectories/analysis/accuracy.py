"""From scores to accuracies: every metric of a question, then its value and standard error per task."""

import numpy as np
import pandas as pd

from trajectories.analysis.question_metrics import PLACE, question_metrics
from trajectories.study.metrics import METRICS, MetricRecord
from trajectories.tables import COLUMNS


def accuracy_rows(scores: pd.DataFrame, model: str, parameters: int, step: int, tokens: int) -> pd.DataFrame:
    """Return one row per task and metric of one checkpoint, columns `COLUMNS["accuracy"]`.

    `stderr` of a mean is the sample standard deviation over questions divided by sqrt(questions), as the evaluation
    harness computes it; of a weighted mean and of a perplexity the same for its linear part (the delta method);
    missing for a single question. `accuracy_balanced` is a mean of means, one for each position of the truth.
    """
    return summarise(question_metrics(scores), model, parameters, step, tokens)


def summarise(questions: pd.DataFrame, model: str, parameters: int, step: int, tokens: int) -> pd.DataFrame:
    """Return `accuracy_rows` from the output of `question_metrics`."""
    codes, tasks = pd.factorize(questions["task"], sort=True)
    summaries = [_summary(questions, codes, len(tasks), record) for record in METRICS.values()]
    value, stderr, count = (np.stack(part, axis=1).ravel() for part in zip(*summaries, strict=True))
    table = pd.DataFrame(
        {
            "model": model,
            "parameters": parameters,
            "step": step,
            "tokens": tokens,
            "task": np.repeat(np.asarray(tasks, dtype=object), len(METRICS)),
            "metric": np.tile(np.array(list(METRICS), dtype=object), len(tasks)),
            "value": value,
            "stderr": stderr,
            "questions": count,
        },
        columns=list(COLUMNS["accuracy"]),
    )
    return table[count > 0].reset_index(drop=True)


def _summary(
    questions: pd.DataFrame, codes: np.ndarray, tasks: int, record: MetricRecord
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return value, standard error and number of questions (each of `tasks`); `codes` says each question's task."""
    x = questions[record.name].to_numpy(np.float64)
    known = ~np.isnan(x)
    if not known.any():
        return np.full(tasks, np.nan), np.full(tasks, np.nan), np.zeros(tasks, int)
    x, of = x[known], codes[known]
    if record.name == "accuracy_balanced":
        return balanced(x, of, questions[PLACE][known].to_numpy(int), tasks)
    weight = questions[record.weight].to_numpy(np.float64)[known] if record.weight else np.ones(len(x))
    count = np.bincount(of, minlength=tasks)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.bincount(of, weights=weight, minlength=tasks)
        mean = np.bincount(of, weights=weight * x, minlength=tasks) / total
        away = weight * (x - mean[of]) / (total / count)[of]
        stderr = np.sqrt(np.bincount(of, weights=away**2, minlength=tasks) / (count - 1) / count)
    stderr[count < 2] = np.nan
    value = np.array([record.of_mean(m) for m in mean])
    return value, stderr * value if record.geometric else stderr, count


def balanced(x: np.ndarray, of: np.ndarray, place: np.ndarray, tasks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each of `tasks` the mean over places of the mean of x at them, its standard error, and the questions.

    The standard error is sqrt(sum(s^2 / n)) / places with each place's own standard deviation s and count n; missing
    where a place has one question.
    """
    width = int(place.max()) + 1
    size = np.bincount(of * width + place, minlength=tasks * width).reshape(tasks, width).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(of * width + place, weights=x, minlength=tasks * width).reshape(size.shape) / size
        away = np.square(x - mean[of, place])
        spread = np.bincount(of * width + place, weights=away, minlength=tasks * width).reshape(size.shape)
        error = spread / (size - 1) / size
    there = size > 0
    places = np.maximum(there.sum(axis=1), 1)
    value = np.where(there, mean, 0.0).sum(axis=1) / places
    stderr = np.sqrt(np.where(there, error, 0.0).sum(axis=1)) / places
    count = size.sum(axis=1).astype(int)
    return np.where(count > 0, value, np.nan), np.where(count > 1, stderr, np.nan), count

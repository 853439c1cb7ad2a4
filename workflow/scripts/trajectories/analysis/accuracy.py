"""From scores to accuracies: every metric of a question, then its value and standard error per task."""

import numpy as np
import pandas as pd

from trajectories.analysis.question_metrics import question_metrics
from trajectories.study.metrics import METRICS, MetricRecord
from trajectories.tables import COLUMNS


def accuracy_rows(scores: pd.DataFrame, model: str, parameters: int, step: int, tokens: int) -> pd.DataFrame:
    """Return one row per task and metric of one checkpoint, columns `COLUMNS["accuracy"]`.

    `stderr` of a mean is the sample standard deviation over questions divided by sqrt(questions), as the evaluation
    harness computes it; of a weighted mean and of a perplexity the same for its linear part (the delta method);
    missing for a single question.
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

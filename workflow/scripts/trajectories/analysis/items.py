"""An item-level model in two steps: right ~ parameters x tokens, with random levels and slopes, questions crossed.

What a reviewer asks for is a logistic mixed model of every single answer. Its answers are many (a question is asked of
every checkpoint) and its random effects few, so two steps say the same at a fraction of the cost:

1. per run, a line through the logits of its accuracies over log10 tokens; the covariance of all lines' levels and
   slopes comes from the questions, each of which moves every line at once (the crossed random effect of questions);
2. the nested mixed model of `mixed` on these lines, with that covariance as their known noise.

Coefficients are of the log odds of the share (population-averaged). Those of R's `glmer` are of one question's log odds
and larger by about sqrt(1 + 0.346 v), v the variance of questions (Zeger, Liang & Albert 1988, Biometrics 44); their z
values agree (`tests/oracle/test_r_figures.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.lines import FEWEST_SIZES, RunLines
from trajectories.analysis.mixed import fit_mixed
from trajectories.analysis.points import Metrics, records, table_of
from trajectories.analysis.question_metrics import SCORE_COLUMNS, question_metrics
from trajectories.analysis.tails import two_sided
from trajectories.analysis.terms import TERMS, design_matrix, why_not
from trajectories.scoring.scores import read_scores
from trajectories.study.metrics import METRICS, record_of

Row = dict[str, object]
Scores = Mapping[tuple[str, int], Path]
"""(model, step) → its scores file."""


@dataclass(frozen=True)
class Answers:
    """One run on one task: S checkpoints x Q questions of answers between 0 and 1, with the questions' numbers (Q)."""

    steps: np.ndarray
    questions: np.ndarray
    value: np.ndarray


def items_table(checkpoints: pd.DataFrame, scores: Scores, metrics: Metrics) -> pd.DataFrame:
    """Return one row per task and term, columns `COLUMNS["items"]`.

    `checkpoints` has the columns model, parameters, step, tokens and size. Runs are read one after another, and of each
    only two numbers per question are kept.
    """
    used = checkpoints[checkpoints["tokens"] > 0].sort_values(["parameters", "model", "tokens"])
    used = used[[key in scores for key in zip(used["model"], used["step"], strict=True)]].reset_index(drop=True)
    kept: dict[str, dict[str, tuple[np.ndarray, pd.DataFrame]]] = {task: {} for task in metrics}
    reasons = {task: _reason(used, metric) for task, metric in metrics.items()}
    open_tasks = {task: metric for task, metric in metrics.items() if not reasons[task]}
    design = design_matrix(used.assign(value=0.0)) if open_tasks else np.empty((0, 4))
    for model, rows in used.groupby("model", sort=False) if open_tasks else ():
        course = design[rows.index.to_numpy()][:, [0, 2]]
        for task, answers in _answers(rows, scores, open_tasks):
            present = np.isin(rows["step"].to_numpy(), answers.steps)
            if len(answers.steps) > 1:
                kept[task][str(model)] = logit_line(answers, course[present])
    places = dict(zip(used["model"], design[:, 1], strict=True)) if open_tasks else {}
    sizes = dict(zip(used["model"], used["size"], strict=True))
    rows_of = (_rows(task, metric, reasons[task], kept[task], places, sizes) for task, metric in metrics.items())
    return table_of([row for rows in rows_of for row in rows], "items")


def logit_line(answers: Answers, course: np.ndarray) -> tuple[np.ndarray, pd.DataFrame]:
    """Return level and slope (2) of the logits over the course (S x 2: 1 and place in time), and each question's part.

    The second has a row per question: by how much it pulls level and slope, times the number of questions. Shares
    within half a question of 0 or 1 are moved to that distance.
    """
    count = answers.value.shape[1]
    share = np.clip(answers.value.mean(axis=1), 0.5 / count, 1 - 0.5 / count)
    weights = np.linalg.pinv(course)
    pull = (weights / (share * (1 - share))) @ (answers.value - answers.value.mean(axis=1, keepdims=True))
    line = weights @ np.log(share / (1 - share))
    return line, pd.DataFrame(pull.T.astype(np.float32), index=answers.questions)


def fit_items(lines: Mapping[str, tuple[np.ndarray, pd.DataFrame]], size: np.ndarray, place: np.ndarray) -> list[Row]:
    """Return a row per term from R runs' lines (`logit_line`), the numbers of their sizes (R) and their places (R)."""
    pulls = pd.concat([pull for _, pull in lines.values()], axis=1, join="inner").to_numpy(float)
    count = len(pulls)
    sampling = pulls.T @ pulls / (count * (count - 1))
    sampling += 1e-9 * np.trace(sampling) / len(sampling) * np.eye(len(sampling))  # fewer questions than lines
    coefficients = np.array([line for line, _ in lines.values()])
    runs = RunLines(size, place, coefficients, np.zeros((len(place), 2, 2)), 0.0, 0)
    fit = fit_mixed(runs, sampling)
    beta, stderr = fit.coefficients[1:], np.sqrt(np.diag(fit.covariance))[1:]
    df, t = runs.sizes - 2, beta / stderr
    note = "in logits" + (f"; {fit.singular}" if fit.singular else "")
    return [
        {"term": term, "beta": beta[i], "stderr": stderr[i], "t": t[i], "df": df, "p": float(two_sided(t[i], df)),
         "runs": len(place), "questions": count, "note": note}
        for i, term in enumerate(TERMS)
    ]  # fmt: skip


def _reason(used: pd.DataFrame, metric: str) -> str:
    if metric not in METRICS:
        return "not made of scores, but by the evaluation harness of texts"
    if not record_of(metric).is_share:
        return "not a share between 0 and 1"
    reason = why_not(used.assign(value=np.arange(len(used), dtype=float)))
    several = used.groupby("model")["step"].transform("nunique") > 1
    sizes = used.loc[several, "size"].nunique()
    return reason or ("" if sizes >= FEWEST_SIZES else f"fewer than {FEWEST_SIZES} sizes with several steps ({sizes})")


def _answers(rows: pd.DataFrame, scores: Scores, metrics: Metrics) -> Iterator[tuple[str, Answers]]:
    """Yield the answers of one run, task by task; questions that some checkpoint lacks are left out."""
    found: dict[str, list[tuple[int, pd.Series]]] = {task: [] for task in metrics}
    for row in records(rows):
        read = read_scores(scores[row["model"], row["step"]], columns=SCORE_COLUMNS)
        table = question_metrics(read, tuple(dict.fromkeys(metrics.values())))
        for task, part in table.groupby("task"):
            if task in metrics:
                values = pd.Series(part[metrics[str(task)]].to_numpy(np.float32), index=part["question"].to_numpy())
                found[str(task)].append((row["step"], values.dropna()))
    for task, columns in found.items():
        if columns:
            together = pd.concat([values for _, values in columns], axis=1, join="inner")
            steps = np.array([step for step, _ in columns])
            if len(together) > 1:
                yield task, Answers(steps, together.index.to_numpy(), together.to_numpy().T)


def _rows(
    task: str,
    metric: str,
    reason: str,
    lines: Mapping[str, tuple[np.ndarray, pd.DataFrame]],
    places: Mapping[str, float],
    sizes: Mapping[str, str],
) -> list[Row]:
    common: Row = {"task": task, "metric": metric}
    numbers = pd.factorize(np.array([sizes[model] for model in lines], dtype=object))[0]
    if not reason and not lines:
        reason = "no scores of this task"
    if not reason and len(set(numbers.tolist())) < FEWEST_SIZES:
        reason = f"fewer than {FEWEST_SIZES} sizes have scores of this task"
    if not reason and all(float(np.abs(pull.to_numpy()).max()) == 0 for _, pull in lines.values()):
        reason = "no answer differs from another"
    if reason:
        return [common | {"term": term, "reason": reason} for term in TERMS]
    place = np.array([places[model] for model in lines])
    return [common | row for row in fit_items(lines, numbers, place)]

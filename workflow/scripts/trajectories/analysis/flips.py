"""What happens to single questions while a model trains: learnt, lost, lost for good, and by how many models."""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import binom, hypergeom

from trajectories.analysis.points import Metrics, correct, generator, table_of
from trajectories.analysis.question_grid import QuestionGrid, by_task, judged
from trajectories.study.metrics import METRICS

NO_SCORES = "no question-level scores: the accuracies were made elsewhere"
BLOCK = 50
"""Resamples drawn at a time; bounds the memory."""
Row = dict[str, object]


def intervals_table(grids: Sequence[QuestionGrid], metrics: Metrics, seed: int, resamples: int) -> pd.DataFrame:
    """Return the metric of every checkpoint with a 95 % bootstrap interval, columns `COLUMNS["intervals"]`.

    Questions are drawn with replacement, the same draws for all checkpoints and models of a task, so that intervals
    of differences may be taken between rows (percentile bootstrap; Efron & Tibshirani 1993).
    """
    rows: list[Row] = []
    for task, same in by_task(grids).items():
        of_mean = METRICS[metrics[task]].of_mean
        for grid, (low, high) in zip(same, _bounds(same, task, seed, resamples), strict=True):
            common: Row = {"model": grid.model, "parameters": grid.parameters, "task": task, "metric": metrics[task]}
            for index, step in enumerate(grid.steps.tolist()):
                value = of_mean(float(np.average(grid.value[index].astype(float), weights=grid.weight)))
                place: Row = {"step": step, "tokens": grid.tokens[index], "questions": len(grid.questions)}
                rows.append(common | place | {"value": value, "low": of_mean(low[index]), "high": of_mean(high[index])})
    return table_of(rows, "intervals")


def _bounds(grids: Sequence[QuestionGrid], task: str, seed: int, resamples: int) -> list[np.ndarray]:
    """Return low and high (2 x S) per grid; grids with the same questions share one multiplication by the draws."""
    stacks: dict[bytes, list[int]] = {}
    for place, grid in enumerate(grids):
        stacks.setdefault(repr(grid.questions.tolist()).encode(), []).append(place)
    bounds = [np.empty(0)] * len(grids)
    for places in stacks.values():
        values = np.vstack([grids[place].value for place in places])
        means = resampled_means(values, resamples, generator(seed, task), grids[places[0]].weight)
        both = np.quantile(means, [0.025, 0.975], axis=0)
        ends = np.cumsum([len(grids[place].steps) for place in places])[:-1]
        for place, part in zip(places, np.split(both, ends, axis=1), strict=True):
            bounds[place] = part
    return bounds


def resampled_means(
    values: np.ndarray, resamples: int, rng: np.random.Generator, weight: np.ndarray | None = None
) -> np.ndarray:
    """Return means over questions of `values` (S x Q) for bootstrap draws of the questions (resamples x S).

    `weight` (Q) is what a question weighs in the mean; without it all weigh the same.
    """
    count = values.shape[1]
    means = []
    for start in range(0, resamples, BLOCK):
        size = min(BLOCK, resamples - start)
        drawn = rng.integers(count, size=(size, count)) + count * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count)
        weights = (times if weight is None else times * weight).astype(np.float32)
        means.append(weights @ values.T.astype(np.float32) / weights.sum(axis=1, keepdims=True))
    return np.vstack(means)


def flips_table(grids: Sequence[QuestionGrid], seed: int, resamples: int) -> pd.DataFrame:
    """Return what changes from checkpoint to checkpoint, columns `COLUMNS["flips"]`.

    `kind` is `next` for consecutive checkpoints, `best-last` for the checkpoint with most right answers and the last.
    `p` is McNemar's exact test (1947), for `best-last` multiplied by the number of checkpoints before the last, since
    the best was picked after the fact; `low`, `high` are the paired bootstrap interval of the difference in accuracy.
    `p_fdr` is corrected over all rows of a kind (Benjamini-Hochberg).
    """
    if not grids:
        return table_of([{"reason": NO_SCORES}], "flips")
    rows: list[Row] = []
    for grid in judged(grids):
        rng = generator(seed, grid.task, grid.model)
        last = len(grid.steps) - 1
        rows += [_flip(grid, i, i + 1, "next", resamples, rng) for i in range(last)]
        best = int(grid.right.sum(axis=1).argmax())
        if best < last:
            rows.append(_flip(grid, best, last, "best-last", resamples, rng))
    table = table_of(rows, "flips")
    return table.assign(p_fdr=table.groupby("kind")["p"].transform(correct) if rows else table["p"])


def _flip(grid: QuestionGrid, before: int, after: int, kind: str, resamples: int, rng: np.random.Generator) -> Row:
    was, now = grid.right[before], grid.right[after]
    learnt, lost, count = int((now & ~was).sum()), int((was & ~now).sum()), len(was)
    looks = after if kind == "best-last" else 1
    # The mean change of resampled questions depends only on how many learnt and lost ones are drawn.
    drawn = rng.multinomial(count, [learnt / count, lost / count, 1 - (learnt + lost) / count], resamples)
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / count, [0.025, 0.975])
    return {
        "model": grid.model,
        "parameters": grid.parameters,
        "task": grid.task,
        "kind": kind,
        "from_step": grid.steps[before],
        "to_step": grid.steps[after],
        "from_tokens": grid.tokens[before],
        "to_tokens": grid.tokens[after],
        "questions": count,
        "before": was.mean(),
        "after": now.mean(),
        "learnt": learnt,
        "lost": lost,
        "difference": (learnt - lost) / count,
        "low": low,
        "high": high,
        "p": min(1.0, looks * mcnemar_p(learnt, lost)),
        "reason": "",
    }


def mcnemar_p(learnt: int, lost: int) -> float:
    """Return the two-sided exact p-value of McNemar's test: the changed questions went either way with chance 1/2."""
    return float(min(1.0, 2 * binom.cdf(min(learnt, lost), learnt + lost, 0.5)))


def fates(right: np.ndarray) -> dict[str, np.ndarray]:
    """Sort questions (S x Q right answers) into five fates, each a mask of Q; every question has exactly one.

    `always_right`, `never_right`; `learnt`: right at the last two checkpoints, not always; `lost_for_good`: right at
    some time, wrong at the last two; `unsettled`: the last two differ. With one checkpoint only the first two occur.
    """
    always, never = right.all(axis=0), ~right.any(axis=0)
    other = ~always & ~never
    last, previous = right[-1], right[max(0, len(right) - 2)]
    return {
        "always_right": always,
        "never_right": never,
        "learnt": other & last & previous,
        "lost_for_good": other & ~last & ~previous,
        "unsettled": other & (last != previous),
    }


def fates_table(grids: Sequence[QuestionGrid]) -> pd.DataFrame:
    """Return how many questions of each model and task have which fate, columns `COLUMNS["fates"]`.

    `ever_lost` counts questions answered right and then wrong at any two consecutive checkpoints.
    """
    if not grids:
        return table_of([{"reason": NO_SCORES}], "fates")
    rows: list[Row] = []
    for grid in judged(grids):
        counts = {name: int(mask.sum()) for name, mask in fates(grid.right).items()}
        ever_lost = int((grid.right[:-1] & ~grid.right[1:]).any(axis=0).sum())
        common: Row = {"model": grid.model, "parameters": grid.parameters, "task": grid.task}
        rows.append(common | counts | {"questions": len(grid.questions), "ever_lost": ever_lost})
    return table_of(rows, "fates")


def overlap_table(grids: Sequence[QuestionGrid]) -> pd.DataFrame:
    """Return, for every two models of a task, how far they agree on what is lost for good.

    Columns `COLUMNS["overlap"]`: `both` against `expected` if losses were independent; Jaccard's index; Cohen's kappa
    (1960); `p` one-sided by Fisher's exact test, corrected over all rows in `p_fdr`.
    """
    if not grids:
        return table_of([{"reason": NO_SCORES}], "overlap")
    pairs = [pair for same in by_task(judged(grids)).values() for pair in itertools.combinations(same, 2)]
    table = table_of([_overlap(a, b) for a, b in pairs], "overlap")
    return table.assign(p_fdr=correct(table["p"]))


def _overlap(a: QuestionGrid, b: QuestionGrid) -> Row:
    _, in_a, in_b = np.intersect1d(a.questions, b.questions, return_indices=True)
    lost_a, lost_b = fates(a.right)["lost_for_good"][in_a], fates(b.right)["lost_for_good"][in_b]
    n, count_a, count_b, both = len(in_a), int(lost_a.sum()), int(lost_b.sum()), int((lost_a & lost_b).sum())
    row: Row = {"task": a.task, "model_a": a.model, "model_b": b.model, "questions": n, "lost_a": count_a}
    row |= {"lost_b": count_b, "both": both}
    if 0 in (count_a, count_b) or n in (count_a, count_b):
        return row | {"reason": "one of the two lost none or all"}
    agreed, chance = np.mean(lost_a == lost_b), (count_a * count_b + (n - count_a) * (n - count_b)) / n**2
    return row | {
        "expected": count_a * count_b / n,
        "jaccard": both / (count_a + count_b - both),
        "kappa": (agreed - chance) / (1 - chance),
        "p": float(hypergeom.sf(both - 1, n, count_a, count_b)),
    }

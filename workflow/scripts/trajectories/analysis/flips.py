"""What happens to single questions while a model trains: learnt, lost, lost for good, and by how many models."""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import binom, hypergeom

from trajectories.analysis.dependence import Noise
from trajectories.analysis.drops import FEWEST, DropTest
from trajectories.analysis.points import Metrics, correct, generator, table_of
from trajectories.analysis.question_grid import QuestionGrid, by_task, judged
from trajectories.analysis.serial import Curve, assumed_noise
from trajectories.analysis.trajectory import on_log_axis
from trajectories.study.metrics import METRICS
from trajectories.tables import COLUMNS

NO_SCORES = "no question-level scores: the accuracies were made elsewhere"
BLOCK = 50
"""Resamples drawn at a time; bounds the memory."""
Row = dict[str, object]


class Draws:
    """Bootstrap draws of a task's questions: how often each is drawn, the same for all models and checkpoints."""

    def __init__(self, seed: int, resamples: int) -> None:
        self._seed, self._resamples = seed, resamples
        self._times: dict[tuple[str, int], np.ndarray] = {}

    def of(self, task: str, count: int) -> np.ndarray:
        """Return how often each of `count` questions is drawn (resamples x Q); a byte is enough to count that."""
        key = (task, count)
        if key not in self._times:
            rng, times = generator(self._seed, task), np.empty((self._resamples, count), np.uint8)
            for start in range(0, self._resamples, BLOCK):
                size = min(BLOCK, self._resamples - start)
                drawn = rng.integers(count, size=(size, count)) + count * np.arange(size)[:, None]
                times[start : start + size] = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count)
            self._times[key] = times
        return self._times[key]


def intervals_table(grids: Sequence[QuestionGrid], metrics: Metrics, draws: Draws) -> pd.DataFrame:
    """Return the metric of every checkpoint with a 95 % bootstrap interval, columns `COLUMNS["intervals"]`.

    Questions are drawn with replacement, the same draws for all checkpoints and models of a task, so that intervals
    of differences may be taken between rows (percentile bootstrap; Efron & Tibshirani 1993).
    """
    rows: list[Row] = []
    for grid in grids:
        of_mean, task = METRICS[metrics[grid.task]].of_mean, grid.task
        means = resampled_means(grid.value, draws.of(task, len(grid.questions)), grid.weight)
        low, high = np.quantile(means, [0.025, 0.975], axis=0)
        value = np.average(grid.value, axis=1, weights=grid.weight)
        common: Row = {"model": grid.model, "parameters": grid.parameters, "task": task, "metric": metrics[task]}
        for index, step in enumerate(grid.steps.tolist()):
            place: Row = {"step": step, "tokens": grid.tokens[index], "questions": len(grid.questions)}
            bounds: Row = {"low": of_mean(float(low[index])), "high": of_mean(float(high[index]))}
            rows.append(common | place | bounds | {"value": of_mean(float(value[index]))})
    return table_of(rows, "intervals")


def resampled_means(values: np.ndarray, times: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Return means over questions of `values` (S x Q) for bootstrap draws of the questions (resamples x S).

    `times` (resamples x Q) says how often each question is drawn; `weight` (Q) is what a question weighs in the mean,
    without it all weigh the same.
    """
    means, columns = [], values.T.astype(np.float32)
    for start in range(0, len(times), BLOCK):
        drawn = times[start : start + BLOCK].astype(np.float32)
        weights = drawn if weight is None else drawn * weight.astype(np.float32)
        means.append(weights @ columns / weights.sum(axis=1, keepdims=True))
    return np.vstack(means)


def flips_table(grids: Sequence[QuestionGrid], seed: int, resamples: int, serial: float | str = "auto") -> pd.DataFrame:
    """Return what changes from checkpoint to checkpoint, columns `COLUMNS["flips"]`.

    `kind` is `next` for consecutive checkpoints, `best-last` for the checkpoint with most right answers and the last.
    `p_questions` is McNemar's exact test (1947), for `best-last` multiplied by the number of checkpoints before the
    last, since the best was picked after the fact. `p` is the same for `next`; for `best-last` it allows for another
    checkpoint nearby being different too (`drops`, with the paired error of questions). `low`, `high` are the paired
    bootstrap interval of the difference in accuracy. `p_fdr` corrects `p` over all rows of a kind (Benjamini-Hochberg).
    """
    if not grids:
        return table_of([{"reason": NO_SCORES}], "flips")
    whole = judged(grids)
    noise = assumed_noise([_curve(grid) for grid in whole], serial)
    parts = [_flips(grid, own, seed, resamples) for grid, own in zip(whole, noise, strict=True)]
    table = pd.concat(parts, ignore_index=True) if parts else table_of([], "flips")
    return table.assign(p_fdr=table.groupby("kind")["p"].transform(correct) if len(table) else table["p"])


def _flips(grid: QuestionGrid, noise: Noise, seed: int, resamples: int) -> pd.DataFrame:
    last, best = len(grid.steps) - 1, int(grid.right.sum(axis=1).argmax())
    before = np.r_[np.arange(last), [best] * (best < last)].astype(int)
    after = np.r_[np.arange(1, last + 1), [last] * (best < last)].astype(int)
    kind = np.array(["next"] * last + ["best-last"] * (best < last), dtype=object)
    was, now = grid.right[before], grid.right[after]
    learnt, lost, count = (now & ~was).sum(axis=1), (was & ~now).sum(axis=1), grid.right.shape[1]
    low, high = _bounds(learnt, lost, count, resamples, generator(seed, grid.task, grid.model))
    questions = np.minimum(1.0, mcnemar_p(learnt, lost) * np.where(kind == "best-last", after, 1))
    p = questions.copy()
    if best < last and len(grid.steps) >= FEWEST:
        changed, net = (learnt[-1] + lost[-1]) / count, (learnt[-1] - lost[-1]) / count
        p[-1] = _drop_p(grid, noise, float(np.sqrt(max(changed - net**2, 0.0) / count)), seed)
    return pd.DataFrame(
        {
            "model": grid.model, "parameters": grid.parameters, "task": grid.task, "kind": kind,
            "from_step": grid.steps[before], "to_step": grid.steps[after], "from_tokens": grid.tokens[before],
            "to_tokens": grid.tokens[after], "questions": count, "before": was.mean(axis=1), "after": now.mean(axis=1),
            "learnt": learnt, "lost": lost, "difference": (learnt - lost) / count, "low": low, "high": high,
            "p": p, "p_questions": questions, "p_fdr": np.nan, "reason": "",
        },
        columns=list(COLUMNS["flips"]),
    )  # fmt: skip


def _curve(grid: QuestionGrid) -> Curve:
    seen = grid.tokens > 0
    return np.log10(grid.tokens[seen].astype(float)), grid.right[seen].mean(axis=1)


def _drop_p(grid: QuestionGrid, noise: Noise, stderr: float, seed: int) -> float:
    """Return the p of the drop from the best checkpoint, `stderr` that of the drop from questions, paired."""
    x, accuracy = on_log_axis(grid.tokens.astype(float)), grid.right.mean(axis=1)
    test = DropTest(x, noise.over(x), generator(seed, "drops"))
    return float(test(accuracy[None, :], np.full((1, len(x)), stderr / np.sqrt(2))).p[0])


def _bounds(
    learnt: np.ndarray, lost: np.ndarray, count: int, resamples: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of the mean change of resampled questions, which depends only on these counts."""
    shares = np.stack([learnt, lost, count - learnt - lost], axis=1) / count
    drawn = rng.multinomial(count, shares, (resamples, len(learnt)))
    low, high = np.quantile((drawn[..., 0] - drawn[..., 1]) / count, [0.025, 0.975], axis=0)
    return low, high


def mcnemar_p(learnt: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Return the two-sided exact p-values of McNemar's test: the changed questions went either way with chance 1/2."""
    return np.asarray(np.minimum(1.0, 2 * binom.cdf(np.minimum(learnt, lost), learnt + lost, 0.5)))


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

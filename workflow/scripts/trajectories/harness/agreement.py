"""Which metric of ours each metric of a harness's task is: found by asking both about made-up log-likelihoods.

The harness's own functions make its metrics of every row and put them together, whoever wrote them; a metric of ours
is the same one if it comes out equal, draw after draw.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from trajectories.analysis.accuracy import summarise
from trajectories.analysis.question_metrics import question_metrics
from trajectories.harness.asked import Asked
from trajectories.questions.question import Question
from trajectories.scoring.encode import sizes_of
from trajectories.study.metrics import METRICS

DRAWS = 2  # at least
ROWS = 64  # times draws, at least: two metrics that differ must have the chance to
CLOSE = 1e-9
SCALES = {"byte_perplexity": math.log2}  # what a metric of the harness is on our scale


def our_metrics(asked: Sequence[Asked], questions: Sequence[Question]) -> dict[str, str]:
    """Return the harness's metrics of a task by the name that each has here; one that none is, is not there."""
    draws = max(DRAWS, math.ceil(ROWS / len(questions)))
    pairs = [_draw(asked, questions, seed) for seed in range(draws)]
    found = {}
    for metric in pairs[0][0]:
        called = [name for name, record in METRICS.items() if record.harness == metric]
        names = [*called, *(name for name in METRICS if name not in called)]
        equal = [name for name in names if all(_equal(metric, name, theirs, ours) for theirs, ours in pairs)]
        if equal:
            found[metric] = equal[0]
    return found


def _equal(metric: str, name: str, theirs: Mapping[str, float | None], ours: Mapping[str, float]) -> bool:
    value, mine = theirs[metric], ours.get(name)
    if value is None or mine is None or not math.isfinite(value):
        return False
    return math.isclose(SCALES.get(metric, float)(value), mine, rel_tol=CLOSE, abs_tol=CLOSE)


def _draw(
    asked: Sequence[Asked], questions: Sequence[Question], seed: int
) -> tuple[dict[str, float | None], dict[str, float]]:
    """Return the harness's metrics and ours of one set of made-up answers."""
    random = np.random.default_rng([seed, len(questions)])
    answers = [_Answers(item, question, random) for item, question in zip(asked, questions, strict=True)]
    table = pd.DataFrame([row for number, answer in enumerate(answers) for row in answer.scores(number)])
    ours = summarise(question_metrics(table), "", 0, 0, 0)
    return _theirs(asked, answers), dict(zip(ours["metric"], ours["value"], strict=True))


class _Answers:
    """What a model might have answered to one row."""

    def __init__(self, asked: Asked, question: Question, random: np.random.Generator) -> None:
        self.question = question
        self.loglikelihood = -random.uniform(1, 30, len(asked.texts))
        self.greedy = random.random(len(asked.texts)) < 0.5

    def as_the_harness_gets_them(self) -> list[Any]:
        answers = zip(self.loglikelihood.tolist(), self.greedy.tolist(), strict=True)
        return [value if self.question.running else (value, greedy) for value, greedy in answers]

    def scores(self, number: int) -> list[dict[str, Any]]:
        """Return the row's part of a table of scores."""
        count = len(self.question.choices)
        alone = self.loglikelihood[count:] if len(self.loglikelihood) > count else [math.nan] * count
        return [
            {
                "task": "t", "question": number, "choice": choice, "label": label, "tokens": 1 + choice,
                "loglikelihood": self.loglikelihood[choice], "is_greedy": self.greedy[choice],
                "unconditional": alone[choice], "running": self.question.running,
                **sizes_of(self.question, choice),
            }
            for choice, label in enumerate(self.question.labels)
        ]  # fmt: skip


def _theirs(asked: Sequence[Asked], answers: Sequence[_Answers]) -> dict[str, float | None]:
    values: dict[str, list[Any]] = {}
    for item, answer in zip(asked, answers, strict=True):
        for metric, value in item.results(answer.as_the_harness_gets_them()).items():
            values.setdefault(metric, []).append(value)
    together = asked[0].task.aggregation()
    return {metric: _together(together[metric], found) for metric, found in values.items() if metric in together}


def _together(aggregate: Any, values: Sequence[Any]) -> float | None:
    """Return a task's value; None where the harness's function has none for made-up answers."""
    try:
        return float(aggregate(values))
    except (ValueError, TypeError, ArithmeticError, IndexError):
        return None

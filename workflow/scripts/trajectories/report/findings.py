"""The regression in words: which tasks get worse with training, with size, or faster in larger models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from trajectories.figures.coefficients import direction


@dataclass(frozen=True)
class Finding:
    """One sentence's beginning and the tasks it is true of."""

    text: str
    tasks: tuple[str, ...]
    style: str


_SENTENCES: Sequence[tuple[str, int, str]] = (
    ("tokens", -1, "Worse with more training"),
    ("parameters", -1, "Worse in larger models"),
    ("interaction", -1, "Training hurts more (or helps less) the larger the model"),
    ("tokens", 1, "Better with more training"),
    ("parameters", 1, "Better in larger models"),
    ("interaction", 1, "Training helps more (or hurts less) the larger the model"),
)


def findings(regression: pd.DataFrame, labels: Mapping[str, str], alpha: float) -> tuple[Finding, ...]:
    """Return what `regression.tsv` shows at corrected p < `alpha`; sentences true of no task are left out."""
    found = (
        Finding(text, tuple(labels.get(task, task) for task in _tasks(regression, term, sign, alpha)), _style(sign))
        for term, sign, text in _SENTENCES
    )
    return tuple(finding for finding in found if finding.tasks)


def _tasks(regression: pd.DataFrame, term: str, sign: int, alpha: float) -> list[str]:
    rows = regression[(regression["term"] == term) & (regression["p_fdr"] < alpha)]
    return [
        str(task)
        for task, beta, metric in zip(rows["task"], rows["beta"], rows["metric"], strict=True)
        if direction(beta, metric) == sign
    ]


def _style(sign: int) -> str:
    return "better" if sign > 0 else "worse"

"""The stage `robustness`: do cells hold, how large are they, may the plane be read, where do values vary?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from trajectories.analysis.checks import Setting
from trajectories.analysis.constants import constant_flags, known_levels
from trajectories.analysis.effects import effects_table
from trajectories.analysis.points import Metrics, read_accuracy
from trajectories.analysis.premises import premises_table
from trajectories.analysis.sensitivity import sensitivity_table, survival_table
from trajectories.analysis.variation import variation_table
from trajectories.tables import read_table, write_table


@dataclass(frozen=True)
class Inputs:
    """The stage's files: accuracies, tasks and `answers.tsv`; `items.tsv` where scores are there."""

    accuracy: Path | str
    tasks: Path | str | None = None
    items: Path | str | None = None
    answers: Path | str | None = None


def write_robustness(
    inputs: Inputs,
    outputs: Mapping[str, Path | str],
    metrics: Metrics,
    setting: Setting,
    *,
    alpha: float = 0.05,
    smallest: float = 0.02,
    from_tokens: float = 0,
    sizes: Mapping[str, str] | None = None,
) -> None:
    """Write sensitivity, survival, premises, effects and variation, each to the file of that name in `outputs`."""
    accuracy = read_accuracy(inputs.accuracy, from_tokens, sizes)
    chance, constants = known_levels(read_table(inputs.tasks, "tasks")) if inputs.tasks else ({}, {})
    answers = read_table(inputs.answers, "answers") if inputs.answers else None
    flags = constant_flags(accuracy, metrics, constants, answers)
    items = read_table(inputs.items, "items").fillna({"reason": "", "note": ""}) if inputs.items else None
    sensitivity = sensitivity_table(accuracy, metrics, replace(setting, flags=flags, items=items), alpha)
    survival = survival_table(sensitivity, alpha)
    tables = {
        "sensitivity": sensitivity,
        "survival": survival,
        "premises": premises_table(accuracy, metrics, flags, chance, alpha),
        "effects": effects_table(accuracy, metrics, sensitivity, survival, smallest, alpha),
        "variation": variation_table(accuracy, metrics, alpha, setting.fits),
    }
    for kind, table in tables.items():
        write_table(table, outputs[kind], kind)

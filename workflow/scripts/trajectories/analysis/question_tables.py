"""The stage that turns question-level scores into six tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.flips import Draws, fates_table, flips_table, intervals_table, overlap_table
from trajectories.analysis.losses import losses_table, margins_table, of_losses, with_words
from trajectories.analysis.points import Metrics
from trajectories.analysis.question_grid import QuestionGrid, ScoreFiles, grids_by_model, in_order
from trajectories.tables import COLUMNS, write_table


def _intervals(parts: Sequence[pd.DataFrame], metrics: Metrics) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS["intervals"]))
    table = pd.concat(parts, ignore_index=True)
    rank = table["task"].map({task: place for place, task in enumerate(metrics)})
    return table.iloc[rank.argsort(kind="stable")]


@dataclass(frozen=True)
class QuestionOutputs:
    """Where the six tables go."""

    intervals: Path
    flips: Path
    fates: Path
    overlap: Path
    losses: Path
    margins: Path


def write_question_tables(
    checkpoints: pd.DataFrame,
    scores: ScoreFiles,
    questions: Mapping[str, Path],
    outputs: QuestionOutputs,
    metrics: Metrics,
    seed: int = 1,
    resamples: int = 2000,
    top: int = 20,
    serial: float | str = "auto",
) -> None:
    """Write the tables on single questions.

    `checkpoints` has the columns model, parameters, step, tokens; `scores` maps (model, step) to scores files,
    `questions` tasks to question files. Without scores the tables are empty but for a row with the reason.
    """
    grids = _grids_and_intervals(checkpoints, scores, outputs.intervals, metrics, Draws(seed, resamples))
    write_table(flips_table(grids, seed, resamples, serial), outputs.flips, "flips")
    write_table(fates_table(grids), outputs.fates, "fates")
    write_table(overlap_table(grids), outputs.overlap, "overlap")
    losses = with_words(losses_table(grids, top), questions, scores)
    write_table(losses, outputs.losses, "losses")
    grids = of_losses(grids, losses)  # the others' margins are let go: of 9,394 checkpoints they are more than 1 GB
    write_table(margins_table(grids), outputs.margins, "margins")


def _grids_and_intervals(
    checkpoints: pd.DataFrame, scores: ScoreFiles, output: Path, metrics: Metrics, draws: Draws
) -> list[QuestionGrid]:
    """Write the table of intervals, and return the grids of all models without the values it is made of."""
    kept, parts = [], []
    for whole in grids_by_model(checkpoints, scores, metrics):
        parts.append(intervals_table(whole, metrics, draws))
        kept += [replace(grid, value=np.empty(0)) for grid in whole]  # the rest needs right, wrong and margins alone
    write_table(_intervals(parts, metrics), output, "intervals")
    return in_order(kept, metrics)

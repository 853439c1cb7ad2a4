"""The stages that read scores files: `accuracy.tsv`, and the tables on single questions."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from trajectories.analysis.accuracy import write_accuracy
from trajectories.analysis.points import Metrics
from trajectories.analysis.question_tables import QuestionOutputs, write_question_tables
from trajectories.questions.average import Average
from trajectories.tables import read_table


def accuracy_of_scores(
    *, checkpoints: Path | str, scores: Sequence[Path | str], averages: Sequence[str] = (), output: Path | str
) -> None:
    """Write the accuracy table of all checkpoints that are used; scores lie at `…/<model>/step<step>.parquet`.

    `averages` are the study's, as canonical JSON.
    """
    records = [Average.model_validate_json(average) for average in averages]
    write_accuracy(used_checkpoints(checkpoints), by_checkpoint(scores), output, records)


def question_tables_of_scores(
    *,
    checkpoints: Path | str,
    scores: Sequence[Path | str],
    questions: Sequence[Path | str],
    outputs: QuestionOutputs,
    metrics: Metrics,
    seed: int,
    resamples: int,
) -> None:
    """Write the tables on single questions; questions lie at `…/<task>.parquet`.

    With no `scores` (imported accuracies) `checkpoints` is not read, and the tables say why they are empty.
    """
    used = used_checkpoints(checkpoints) if scores else pd.DataFrame(columns=["model", "parameters", "step", "tokens"])
    texts = {Path(file).stem: Path(file) for file in questions}
    write_question_tables(used, by_checkpoint(scores), texts, outputs, metrics, seed, resamples)


def used_checkpoints(checkpoints: Path | str) -> pd.DataFrame:
    """Return the rows of `checkpoints.tsv` that are used."""
    table = read_table(checkpoints, "checkpoints")
    return table[table["used"].astype(bool)]


def by_checkpoint(scores: Sequence[Path | str]) -> dict[tuple[str, int], Path]:
    """Return (model, step) → scores file, from where it lies."""
    return {(Path(file).parent.name, int(Path(file).stem.removeprefix("step"))): Path(file) for file in scores}

"""The stages on single questions: the item-level model, and what becomes of each question."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from trajectories.analysis.items import items_table
from trajectories.analysis.points import Metrics
from trajectories.analysis.question_tables import QuestionOutputs, write_question_tables
from trajectories.analysis.stage import by_checkpoint, used_checkpoints
from trajectories.study.models import Model, sizes_by_model
from trajectories.study.sections import Statistics
from trajectories.tables import write_table


def items_of_study(
    *,
    checkpoints: Path | str,
    scores: Sequence[Path | str],
    statistics: str,
    models: Sequence[str],
    metrics: Metrics,
    output: Path | str,
    consistency: Path | str | None = None,
) -> None:
    """Write the item-level model's table; `models` are the config's records as JSON.

    With `consistency`, checkpoints that it flags are left out.
    """
    how = Statistics.model_validate_json(statistics)
    sizes = sizes_by_model([Model.model_validate_json(model) for model in models])
    used = used_checkpoints(checkpoints, consistency)
    seen = used[used["tokens"] >= how.from_tokens]
    table = items_table(seen.assign(size=seen["model"].map(sizes)), by_checkpoint(scores), metrics)
    write_table(table, output, "items")


def questions_of_study(
    *,
    checkpoints: Path | str,
    scores: Sequence[Path | str],
    questions: Sequence[Path | str],
    statistics: str,
    metrics: Metrics,
    outputs: Mapping[str, Path | str],
    consistency: Path | str | None = None,
) -> None:
    """Write the six tables on single questions, by kind in `outputs`; questions lie at `…/<task>.parquet`.

    With `consistency`, checkpoints that it flags are left out. With no `scores` (imported accuracies) `checkpoints` is
    not read, and the tables say why they are empty.
    """
    how = Statistics.model_validate_json(statistics)
    used = (
        used_checkpoints(checkpoints, consistency)
        if scores
        else pd.DataFrame(columns=["model", "parameters", "step", "tokens"])
    )
    write_question_tables(
        used,
        by_checkpoint(scores),
        {Path(file).stem: Path(file) for file in questions},
        QuestionOutputs(**{kind: Path(path) for kind, path in outputs.items()}),
        metrics,
        how.seed,
        how.resamples,
        serial=how.serial,
    )

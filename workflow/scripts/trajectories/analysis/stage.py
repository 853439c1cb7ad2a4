"""The stages that read scores files: accuracies, and whether checkpoints lie where their scores are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.consistency import write_consistency
from trajectories.analysis.kept import FOLDER
from trajectories.analysis.points import records
from trajectories.analysis.score_vectors import score_vectors
from trajectories.analysis.summaries import summaries
from trajectories.checkpoints.notes import flagged_checkpoints
from trajectories.questions.average import Average
from trajectories.questions.averages import with_averages
from trajectories.tables import COLUMNS, read_table, write_table

ACCURACY = list(COLUMNS["accuracy"])
SUMMARY = ["task", "metric", "value", "stderr", "questions"]


def accuracy_of_scores(
    *,
    checkpoints: Path | str,
    scores: Sequence[Path | str],
    averages: Sequence[str] = (),
    output: Path | str,
    consistency: Path | str | None = None,
    store: Path | str | None = None,
    threads: int = 1,
    judged: Path | str | None = None,
) -> None:
    """Write the accuracy table of all checkpoints that are used; scores lie at `…/<model>/step<step>.parquet`.

    `averages` are the study's, as canonical JSON; `judged` is the table of what the evaluation harness made of texts.
    With `consistency`, checkpoints that it flags are left out. `store` keeps each checkpoint's accuracies; `threads`
    files are read at a time.
    """
    means = [Average.model_validate_json(average) for average in averages]
    files = by_checkpoint(scores)
    used = used_checkpoints(checkpoints, consistency)[["model", "parameters", "step", "tokens"]]
    there = [row for row in records(used) if (row["model"], row["step"]) in files]
    kept = None if store is None else Path(store) / FOLDER
    found = summaries([files[row["model"], row["step"]] for row in there], kept, threads)
    more = dict(list(read_table(judged, "judged").groupby(["model", "step"]))) if judged is not None else {}
    parts = [_with(own, more.get((row["model"], row["step"]))) for row, own in zip(there, found, strict=True)]
    write_table(with_averages(_placed(there, parts), means), output, "accuracy")


def _placed(checkpoints: Sequence[Mapping[str, object]], parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the accuracies of all checkpoints in one table, each with its checkpoint's place before it."""
    if not parts:
        return pd.DataFrame(columns=ACCURACY)
    rows = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    places = pd.DataFrame(checkpoints).iloc[rows].reset_index(drop=True)
    return pd.concat([places, pd.concat(parts, ignore_index=True)], axis=1)[ACCURACY]


def _with(own: pd.DataFrame, judged: pd.DataFrame | None) -> pd.DataFrame:
    """Return the accuracies of a checkpoint with those that the evaluation harness made of its texts, if any."""
    if judged is None:
        return own
    parts = [part[SUMMARY] for part in (own, judged) if len(part)]
    whole: pd.DataFrame = pd.concat(parts, ignore_index=True).sort_values("task", kind="stable")
    return whole


def consistency_of_scores(
    *, checkpoints: Path | str, scores: Sequence[Path | str], tasks: Sequence[str], outputs: Mapping[str, Path | str]
) -> None:
    """Write the tables of `consistency.py` for all checkpoints that are used, model by model."""
    used = used_checkpoints(checkpoints)
    files = by_checkpoint(scores)
    models = [
        score_vectors(str(model), {step: files[str(model), step] for step in sorted(part["step"])}, tasks)
        for model, part in used.groupby("model", sort=False)
    ]
    write_consistency(used, models, outputs)


def used_checkpoints(checkpoints: Path | str, consistency: Path | str | None = None) -> pd.DataFrame:
    """Return the rows of `checkpoints.tsv` that are used; with `consistency`, without those that it flags."""
    table = read_table(checkpoints, "checkpoints")
    used = table[table["used"].astype(bool)]
    if consistency is None:
        return used
    flagged = flagged_checkpoints(read_table(consistency, "consistency"))
    return used[[place not in flagged for place in zip(used["model"], used["step"], strict=True)]]


def by_checkpoint(scores: Sequence[Path | str]) -> dict[tuple[str, int], Path]:
    """Return (model, step) → scores file, from where it lies."""
    return {(Path(file).parent.name, int(Path(file).stem.removeprefix("step"))): Path(file) for file in scores}

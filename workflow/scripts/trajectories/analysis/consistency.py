"""Checkpoints judged by their place among their neighbours' scores: what hashes cannot see.

A mislabelled, re-converted or mixed checkpoint has hashes of its own, but not the scores of its step. `order` holds the
rule; here it becomes tables: one row per checkpoint, every distance, and models that are one.
"""

import logging
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.order import FEWEST, Strays, fitting_place, strays, usual_gap
from trajectories.analysis.points import table_of
from trajectories.analysis.score_vectors import Matrix, ScoreVectors, distances
from trajectories.tables import write_table

logger = logging.getLogger(__name__)

COPY, MISPLACED, NOWHERE = "copy", "misplaced", "near nobody"
ASIDE, LOSS = "beside its path", "worse loss"
TWIN = 0.5  # two models are one where they are nearer than neighbouring steps at this share of their common steps


def consistency_tables(
    checkpoints: pd.DataFrame, models: Sequence[ScoreVectors]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return `consistency`, `distances` and `twins` (`docs/tables.md`).

    `checkpoints` has columns model, parameters, step, tokens; a model without scores has no rows.
    """
    rows: list[dict[str, object]] = []
    pairs: list[dict[str, object]] = []
    for vectors in models:
        apart = vectors.distances()
        known = checkpoints[checkpoints["model"] == vectors.model].set_index("step")
        rows += [{"model": vectors.model, **row} for row in _rows(vectors, apart, known)]
        pairs += [
            {"model": vectors.model, "step": vectors.steps[a], "other": vectors.steps[b], "distance": apart[a, b]}
            for a, b in combinations(range(len(vectors.steps)), 2)
        ]
    table = table_of(rows, "consistency")
    for line in stray_lines(table):
        logger.warning("consistency: %s", line)
    return table, table_of(pairs, "distances"), table_of(twins(models), "twins")


def write_consistency(
    checkpoints: pd.DataFrame, models: Sequence[ScoreVectors], outputs: Mapping[str, Path | str]
) -> None:
    """Write the tables of `consistency_tables`; `outputs` are files by kind."""
    for kind, table in zip(("consistency", "distances", "twins"), consistency_tables(checkpoints, models), strict=True):
        write_table(table, outputs[kind], kind)


def stray_lines(consistency: pd.DataFrame) -> list[str]:
    """Return a sentence per flagged checkpoint."""
    return [_sentence(row) for row in consistency[consistency["flag"] != ""].to_dict("records")]


def twins(models: Sequence[ScoreVectors]) -> list[dict[str, object]]:
    """Return pairs of models that are nearer to each other than neighbouring steps of one model.

    Compared are common steps and common choices; a pair counts when this holds at half of the steps or more. A folder
    given twice, or a size mislabelled, is such a pair; so may be two runs that differ in little.
    """
    found = []
    for one, other in combinations(models, 2):
        steps = sorted(set(one.steps) & set(other.steps))
        if len(steps) < 2 or not len(common := one.choices.intersection(other.choices)):
            continue
        a, b = (_values(vectors, steps, common) for vectors in (one, other))
        between = np.sqrt(((a - b) ** 2).mean(axis=1))
        gaps = np.minimum(_gaps(distances(a)), _gaps(distances(b)))
        nearer = between < gaps
        if nearer.mean() >= TWIN:
            found.append({
                "model_a": one.model, "model_b": other.model, "steps": len(steps), "nearer": int(nearer.sum()),
                "distance": float(np.median(between)), "usual": float(np.median(gaps)),
            })  # fmt: skip
    return found


def _rows(vectors: ScoreVectors, apart: Matrix, known: pd.DataFrame) -> list[dict[str, object]]:
    """Return a row per checkpoint of one model."""
    found = strays(apart, vectors.losses(), no_update_yet=vectors.steps[:1] == (0,))
    sound = [place for place in range(len(vectors.steps)) if place not in found.places]
    return [
        {
            "parameters": known.loc[step, "parameters"], "step": step, "tokens": known.loc[step, "tokens"],
            "choices": len(vectors.choices), **_nearest(vectors.steps, apart, place),
            **_place(vectors.steps, apart, place, sound, found), "reason": _reason(vectors.steps, found),
        }
        for place, step in enumerate(vectors.steps)
    ]  # fmt: skip


def _nearest(steps: Sequence[int], apart: Matrix, place: int) -> dict[str, object]:
    if len(steps) < 2:
        return {}
    others = apart[place] + np.where(np.arange(len(steps)) == place, np.inf, 0.0)
    nearest = int(others.argmin())
    return {"nearest_step": steps[nearest], "nearest": others[nearest]}


def _place(steps: Sequence[int], apart: Matrix, place: int, sound: Sequence[int], found: Strays) -> dict[str, object]:
    """Return how far a checkpoint lies from its neighbours, which step it behaves like, and its flag.

    Distances are to the nearest sound checkpoints before and after it; what is usual there is their own distance, or
    the usual gap of the model at its ends.
    """
    before = [other for other in sound if other < place][-1:]
    after = [other for other in sound if other > place][:1]
    near = [*before, *after]
    if not near:
        return {}
    usual = apart[near[0], near[1]] if len(near) == 2 else usual_gap(apart, sound) if len(sound) > 1 else np.nan
    told = {"neighbours": float(apart[place, near].mean()), "usual": float(usual)}
    if place not in found.places:
        return told | {"behaves_like": steps[place], "displacement": 0, "flag": ""}
    rank = fitting_place(apart, place, sound)
    if any(place in pair for pair in found.copies):
        like = next(a if b == place else b for a, b in sorted(found.copies) if place in (a, b))
        return told | {"behaves_like": steps[like], "displacement": like - place, "flag": COPY}
    if place in found.in_loss:
        return told | {"flag": LOSS}
    own = sum(other < place for other in sound)
    if rank is None or rank == own:
        return told | {"flag": NOWHERE if told["neighbours"] > told["usual"] else ASIDE}
    beside = [sound[at] for at in (rank - 1, rank) if 0 <= at < len(sound)]
    like = min(beside, key=lambda other: apart[place, other])
    return told | {"behaves_like": steps[like], "displacement": rank - own, "flag": MISPLACED}


def _reason(steps: Sequence[int], found: Strays) -> str:
    if len(steps) < FEWEST:
        return f"needs {FEWEST} checkpoints to tell"
    return "these scores have no order that could be told" if found.lost else ""


def _values(vectors: ScoreVectors, steps: Sequence[int], choices: pd.MultiIndex) -> Matrix:
    rows = [vectors.steps.index(step) for step in steps]
    return vectors.values[rows][:, vectors.choices.get_indexer(choices)]


def _gaps(apart: Matrix) -> Matrix:
    """Return for each checkpoint the distance to the nearer of its neighbours."""
    gap = np.concatenate([[np.inf], np.diagonal(apart, 1), [np.inf]])
    return np.asarray(np.minimum(gap[:-1], gap[1:]))


def _sentence(row: Mapping[object, object]) -> str:
    name = f"{row['model']} step {row['step']}"
    if row["flag"] == COPY:
        return f"{name} has the scores of step {row['behaves_like']:.0f}; one of the two is not what its name says"
    if row["flag"] == MISPLACED:
        return f"{name} behaves like step {row['behaves_like']:.0f}"
    if row["flag"] == LOSS:
        return f"{name} predicts texts worse than the steps around it"
    apart, usual = f"{row['neighbours']:.2g}", f"{row['usual']:.2g}"
    if row["flag"] == ASIDE:
        return f"{name} does not lie between its neighbours: {apart} nats from them where {usual} is usual"
    return f"{name} is near nobody: {apart} nats from its neighbours where {usual} is usual"

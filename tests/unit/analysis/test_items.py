"""The item-level model from scores files: as from the answers, with its reasons where there is nothing to fit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from support.accuracies import grid
from trajectories.analysis.items import Answers, fit_items, items_table, logit_line
from trajectories.analysis.terms import TERMS, design_matrix
from trajectories.scoring.score_columns import COLUMNS, TYPES
from trajectories.scoring.scores import write_scores

QUESTIONS = 40


def answers(models: int = 5, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return checkpoints and, per checkpoint, which of 40 questions are answered right (n x Q)."""
    rng = np.random.default_rng(seed)
    table = grid(lambda p, t: 0 * t, models=models, steps=(1000, 8000, 64000))
    design = design_matrix(table.assign(value=0.0))
    odds = design @ np.array([0.3, 0.5, -0.4, -0.3]) + 0.2 * rng.normal(size=len(table))
    right = rng.random((len(table), QUESTIONS)) < 1 / (1 + np.exp(-(odds[:, None] + rng.normal(0, 1, QUESTIONS))))
    return table[["model", "parameters", "step", "tokens"]].assign(size=table["parameters"].astype(str)), right


def write(folder: Path, checkpoints: pd.DataFrame, right: np.ndarray) -> dict[tuple[str, int], Path]:
    """Write a scores file per checkpoint: two choices per question, the true one more likely where it is right."""
    files = {}
    for row, of_question in zip(checkpoints.itertuples(index=False), right, strict=True):
        scores = pd.DataFrame(
            {
                "task": "t", "question": np.repeat(np.arange(QUESTIONS), 2), "choice": np.tile([0, 1], QUESTIONS),
                "label": np.tile([1, 0], QUESTIONS), "tokens": 1, "characters": 1, "bytes": 1, "words": 1,
                "is_greedy": False, "unconditional": np.nan, "running": False,
                "loglikelihood": np.column_stack([np.where(of_question, -1.0, -3.0), np.full(QUESTIONS, -2.0)]).ravel(),
            }
        )  # fmt: skip
        files[row.model, row.step] = folder / f"{row.model}-{row.step}.parquet"
        write_scores(scores[list(COLUMNS)].astype(TYPES | {"task": object}), files[row.model, row.step], {})
    return files


def test_scores_files_give_what_the_answers_give(tmp_path: Path) -> None:
    checkpoints, right = answers()
    table = items_table(checkpoints, write(tmp_path, checkpoints, right), {"t": "accuracy", "u": "loss", "v": "mc1"})
    design, lines, place = design_matrix(checkpoints.assign(value=0.0)), {}, []
    for model, rows in checkpoints.groupby("model", sort=False):
        course = design[rows.index.to_numpy()]
        value = right[rows.index.to_numpy()].astype(float)
        lines[str(model)] = logit_line(Answers(rows["step"].to_numpy(), np.arange(QUESTIONS), value), course[:, [0, 2]])
        place.append(course[0, 1])
    expected = pd.DataFrame(fit_items(lines, np.arange(len(place)), np.array(place)))
    found = table[table["task"] == "t"]
    assert found["term"].tolist() == list(TERMS)
    for column in ("beta", "stderr", "p"):
        assert found[column].to_numpy() == pytest.approx(expected[column].to_numpy(), rel=1e-4)
    assert set(found["questions"]) == {QUESTIONS}
    assert found["note"].str.startswith("in logits").all()
    assert set(table.loc[table["task"] == "u", "reason"]) == {"not a share between 0 and 1"}
    assert set(table.loc[table["task"] == "v", "reason"]) == {"no scores of this task"}


def test_the_covariance_of_lines_is_that_of_resampled_questions() -> None:
    checkpoints, right = answers(seed=3)
    design = design_matrix(checkpoints.assign(value=0.0))
    lines, drawn, rng = {}, [], np.random.default_rng(1)
    picks = [rng.integers(0, QUESTIONS, QUESTIONS) for _ in range(600)]
    for model, rows in checkpoints.groupby("model", sort=False):
        place = rows.index.to_numpy()
        course, value, steps = design[place][:, [0, 2]], right[place].astype(float), rows["step"].to_numpy()
        lines[str(model)] = logit_line(Answers(steps, np.arange(QUESTIONS), value), course)
        drawn.append([logit_line(Answers(steps, np.arange(QUESTIONS), value[:, pick]), course)[0] for pick in picks])
    pulls = np.concatenate([pull.to_numpy(float) for _, pull in lines.values()], axis=1)
    ours = pulls.T @ pulls / (QUESTIONS * (QUESTIONS - 1))
    theirs = np.cov(np.concatenate(np.array(drawn), axis=1).T)
    assert np.sqrt(np.diag(ours)) == pytest.approx(np.sqrt(np.diag(theirs)), rel=0.25)
    pairs = np.triu_indices(len(ours), 1)
    assert np.corrcoef(ours[pairs], theirs[pairs])[0, 1] > 0.9


def test_few_sizes_and_answers_that_never_differ_have_reasons(tmp_path: Path) -> None:
    few, right = answers(models=3)
    assert set(items_table(few, write(tmp_path, few, right), {"t": "accuracy"})["reason"]) == {
        "fewer than 4 sizes with several steps (3)"
    }
    many, right = answers()
    same = items_table(many, write(tmp_path, many, np.ones_like(right)), {"t": "accuracy"})
    assert set(same["reason"]) == {"no answer differs from another"}
    assert set(items_table(many, {}, {"t": "accuracy"})["reason"]) == {"no values"}

"""Accuracies of a checkpoint are made once, and again when its scores or the code change."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trajectories.analysis import summaries
from trajectories.analysis.accuracy import accuracy_rows
from trajectories.analysis.stage import accuracy_of_scores
from trajectories.scoring.score_columns import TYPES
from trajectories.scoring.scores import read_scores, write_scores
from trajectories.tables import COLUMNS, read_table, write_table

STEPS = (1, 2, 4)


def scores_of(seed: int, questions: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [
        (task, question, choice, int(choice == question % 2), -rng.exponential(3), 2, 5, 5, 1, False, np.nan, False)
        for task in ("memo", "neqa")
        for question in range(questions)
        for choice in (0, 1)
    ]
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES | {"task": object})


@pytest.fixture
def study(tmp_path: Path) -> Path:
    rows = []
    for step in STEPS:
        path = tmp_path / "scores" / "m" / f"step{step}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scores(scores_of(step), path, {"entries": f'["key{step}"]'})
        rows.append({"model": "m", "parameters": 1000, "step": step, "tokens": step * 10, "used": True})
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS["checkpoints"]))
    write_table(table, tmp_path / "checkpoints.tsv", "checkpoints")
    return tmp_path


def run(study: Path, store: Path | None, threads: int = 1) -> bytes:
    output = study / "accuracy.tsv"
    scores = sorted(study.rglob("step*.parquet"))
    accuracy_of_scores(
        checkpoints=study / "checkpoints.tsv", scores=scores, output=output, store=store, threads=threads
    )
    return output.read_bytes()


def test_kept_accuracies_give_the_same_bytes_as_ones_made_anew(study: Path) -> None:
    anew = run(study, None)
    first, second = run(study, study / "store", threads=3), run(study, study / "store")
    assert anew == first == second
    rows = read_table(study / "accuracy.tsv", "accuracy")
    expected = accuracy_rows(read_scores(study / "scores" / "m" / "step2.parquet"), "m", 1000, 2, 20)
    found = rows[rows["step"] == 2].reset_index(drop=True)
    assert found["value"].tolist() == pytest.approx(expected["value"].tolist(), abs=1e-15)
    assert found[["tokens", "parameters"]].drop_duplicates().values.tolist() == [[20, 1000]]


def test_what_is_kept_is_not_made_again(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(study, study / "store")
    made: list[Path] = []
    make = summaries._made
    monkeypatch.setattr(summaries, "_made", lambda scores: made.append(scores) or make(scores))
    assert run(study, study / "store") == first
    assert made == []
    changed = study / "scores" / "m" / "step4.parquet"
    write_scores(scores_of(99), changed, {"entries": '["another"]'})
    assert run(study, study / "store") != first
    assert made == [changed]


def test_a_damaged_file_of_what_is_kept_is_made_again(study: Path) -> None:
    first = run(study, study / "store")
    kept = sorted((study / "store").rglob("*.parquet"))
    assert len(kept) == 3
    for path in kept:
        path.write_bytes(path.read_bytes()[:50])
    assert run(study, study / "store") == first


def test_scores_from_elsewhere_are_known_by_their_contents(tmp_path: Path) -> None:
    path = tmp_path / "step1.parquet"
    write_scores(scores_of(1), path, {"model": "m"})
    first = summaries.summary(path, tmp_path / "kept")
    write_scores(scores_of(2), path, {"model": "m"})
    assert not summaries.summary(path, tmp_path / "kept").equals(first)

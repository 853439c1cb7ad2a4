"""From scores files to `consistency.tsv`: what is flagged, what is said, what is left out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from support.paths import Values, simulated_path
from trajectories.analysis.consistency import stray_lines
from trajectories.analysis.order import FEWEST
from trajectories.analysis.score_vectors import MOST_CHOICES, distances, score_vectors
from trajectories.analysis.stage import accuracy_of_scores, consistency_of_scores
from trajectories.checkpoints.notes import flagged_checkpoints, order_note
from trajectories.figures.consistency import draw_consistency
from trajectories.figures.shown import suspect_checkpoints
from trajectories.report.doubts import doubts
from trajectories.scoring.score_columns import COLUMNS
from trajectories.scoring.scores import empty_scores, read_scores, write_scores
from trajectories.tables import COLUMNS as TABLES
from trajectories.tables import read_table, write_table

STEPS = tuple(2**k for k in range(9))
QUESTIONS = 100


def scores_of(values: Sequence[float], task: str = "sums") -> pd.DataFrame:
    """Return scores of one checkpoint: questions of four choices, the first one true."""
    count = len(values)
    table = pd.DataFrame(
        {
            "task": task, "question": np.arange(count) // 4, "choice": np.arange(count) % 4,
            "label": (np.arange(count) % 4 == 0).astype(np.int8), "loglikelihood": values, "tokens": 1,
            "characters": 3, "bytes": 3, "words": 1, "is_greedy": False, "unconditional": np.nan, "running": False,
        }
    )  # fmt: skip
    return table[list(COLUMNS)]


class Study:
    """Scores files and the audit's table of a few models."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict[str, object]] = []
        self.files: list[Path] = []

    def add(self, model: str, values: Values, steps: Sequence[int] = STEPS, parameters: int = 1000) -> None:
        for step, vector in zip(steps, values, strict=True):
            self.files.append(self.folder / "scores" / model / f"step{step}.parquet")
            write_scores(scores_of(vector), self.files[-1], {})
            self.rows.append({"model": model, "parameters": parameters, "step": step, "tokens": step * 10})

    def judged(self, tasks: Sequence[str] = ("sums",)) -> dict[str, pd.DataFrame]:
        table = pd.DataFrame(self.rows).reindex(columns=list(TABLES["checkpoints"])).assign(status="ok", used=True)
        write_table(table, self.folder / "checkpoints.tsv", "checkpoints")
        outputs = {kind: self.folder / f"{kind}.tsv" for kind in ("consistency", "distances", "twins")}
        consistency_of_scores(
            checkpoints=self.folder / "checkpoints.tsv", scores=self.files, tasks=tasks, outputs=outputs
        )
        return {kind: read_table(path, kind) for kind, path in outputs.items()}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path)


def path(seed: int = 0) -> Values:
    return 3 * simulated_path(np.random.default_rng(seed), len(STEPS), noise=0.02)


def by_step(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return tables["consistency"].set_index("step")


def test_an_honest_model_has_no_flags(study: Study) -> None:
    study.add("a", path())
    tables = study.judged()
    assert list(tables["consistency"]["flag"]) == [""] * 9
    assert list(tables["consistency"]["behaves_like"]) == list(STEPS)
    assert (tables["consistency"]["choices"] == 400).all()
    assert len(tables["distances"]) == 9 * 8 / 2
    assert tables["twins"].empty
    assert stray_lines(tables["consistency"]) == []
    assert order_note(tables["consistency"]) == ""
    assert doubts(tables["consistency"], tables["twins"]) == ()


def test_a_late_checkpoint_under_an_early_name(study: Study) -> None:
    values = path()
    values[2] = (values[7] + values[8]) / 2
    study.add("a", values)
    row = by_step(study.judged()).loc[4]
    assert (row["flag"], row["displacement"]) == ("misplaced", 5)
    assert row["behaves_like"] in (128, 256)
    assert row["neighbours"] > 2 * row["usual"]


def test_copies_and_mixtures(study: Study) -> None:
    copied, mixed = path(1), path(2)
    copied[3] = copied[4]
    random = np.random.default_rng(3)
    mixed[5] += 6 * random.standard_normal(mixed.shape[1])
    study.add("copied", copied)
    study.add("mixed", mixed)
    table = study.judged()["consistency"]
    assert flagged_checkpoints(table) == {("copied", 8), ("copied", 16), ("mixed", 32)}
    assert order_note(table) == ("Scores unlike their steps': copied steps 8, 16 (copy); mixed step 32 (near nobody).")
    first, _, third = stray_lines(table)
    assert first == "copied step 8 has the scores of step 16; one of the two is not what its name says"
    assert third.startswith("mixed step 32 is near nobody: ")
    assert [finding.task for finding in doubts(table, None)] == ["Doubtful checkpoints"]
    assert suspect_checkpoints(None, study.folder / "consistency.tsv") == flagged_checkpoints(table)


def test_a_mixture_between_its_neighbours_and_one_that_predicts_texts_worse(study: Study) -> None:
    aside = np.hstack([np.tri(9).repeat(20, axis=1), np.zeros((9, 180))])  # steps at right angles
    aside[4, 180:200] = 0.6
    study.add("aside", aside * np.tile([1, -1], 180))  # a question's level stays
    study.add("worse", path())
    losses = [5.0, 4.4, 3.9, 3.5, 3.2, 3.0, 2.9, 2.8, 3.1]
    for place, loss in enumerate(losses):
        texts = scores_of([-10 * loss] * 4 * 12, "texts").assign(tokens=10)
        file = study.files[9 + place]
        write_scores(pd.concat([read_scores(file), texts[texts["choice"] == 0]]), file, {})
    table = study.judged(["sums", "texts"])["consistency"]
    assert flagged_checkpoints(table) == {("aside", 16), ("worse", 256)}
    first, second = stray_lines(table)
    assert first.startswith("aside step 16 does not lie between its neighbours: ")
    assert second == "worse step 256 predicts texts worse than the steps around it"
    assert table.loc[table["flag"] != "", "behaves_like"].isna().all()


def test_few_checkpoints_and_files_without_rows(study: Study) -> None:
    study.add("few", path()[: FEWEST - 1], STEPS[: FEWEST - 1])
    study.add("holed", path(4))
    write_scores(empty_scores(), study.folder / "scores" / "holed" / "step4.parquet", {})
    table = study.judged()["consistency"]
    assert set(table[table["model"] == "few"]["reason"]) == {"needs 5 checkpoints to tell"}
    assert 4 not in set(table[table["model"] == "holed"]["step"])
    assert (table["flag"] == "").all()


def test_models_that_are_one(study: Study) -> None:
    values = path(5)
    study.add("a", values)
    study.add("again", values + 0.001)
    study.add("other", path(6))
    twins = study.judged()["twins"]
    assert list(zip(twins["model_a"], twins["model_b"], twins["nearer"], strict=True)) == [("a", "again", 9)]


def test_flagged_checkpoints_are_left_out_on_request(study: Study) -> None:
    values = path()
    values[2] = values[8]
    study.add("a", values)
    study.judged()
    for consistency, count in ((None, 9), (study.folder / "consistency.tsv", 8)):
        accuracy_of_scores(
            checkpoints=study.folder / "checkpoints.tsv", scores=study.files, output=study.folder / "accuracy.tsv",
            consistency=consistency,
        )  # fmt: skip
        assert read_table(study.folder / "accuracy.tsv", "accuracy")["step"].nunique() == count


def test_the_figure_marks_stray_rows(study: Study) -> None:
    values = path()
    values[2] = values[8]
    study.add("a$b", values)
    study.add("alone", values[:1], STEPS[:1])
    study.judged()
    out = study.folder / "consistency.svg"
    draw_consistency(study.folder / "distances.tsv", study.folder / "consistency.tsv", [out], names={"a$b": "A $ B"})
    assert "A $ B" in out.read_text()
    assert "#d55e00" in out.read_text()


def test_the_sample_is_fixed_spread_over_tasks_and_small(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    files = {}
    for step in (1, 2):
        parts = [scores_of(random.standard_normal(4 * count), task) for task, count in (("long", 3000), ("short", 50))]
        files[step] = tmp_path / f"step{step}.parquet"
        write_scores(pd.concat(parts), files[step], {})
    vectors = score_vectors("a", files, ["long", "short"])
    counts = vectors.choices.to_frame()["task"].value_counts()
    assert dict(counts) == {"long": MOST_CHOICES // 2, "short": 200}
    assert vectors.values.shape == (2, MOST_CHOICES // 2 + 200)
    means = pd.DataFrame(vectors.values.T, index=vectors.choices).groupby(["task", "question"]).mean()
    assert np.allclose(means, 0)  # the level of a question is not looked at


def test_distances_are_root_mean_squares() -> None:
    assert distances(np.array([[0.0, 0.0], [3.0, 4.0]]))[0, 1] == pytest.approx(np.sqrt(12.5))

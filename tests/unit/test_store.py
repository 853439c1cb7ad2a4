"""Scores lie on disk once, survive the loss of either of their places, and are the same bytes however they came."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from support.batch import Study
from trajectories.jobs.unscored import unscored
from trajectories.scoring.score_columns import COLUMNS
from trajectories.scoring.scores import read_scores
from trajectories.study.protocol import Protocol
from trajectories.study.sections import Scoring


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study(tmp_path_factory.mktemp("store"), (1, 2)).write()
    study.score()
    return study


@pytest.fixture
def study(scored: Study, tmp_path: Path) -> Study:
    """A study of its own, already scored; the checkpoints lie where the first has them."""
    shutil.copytree(scored.folder, tmp_path / "copy", symlinks=True)
    return Study(tmp_path / "copy", (1, 2))


def bytes_of_scores(*folders: Path) -> int:
    """Each file once, however often it is linked; the accuracies kept beside the scores are not scores."""
    files = [path for folder in folders for path in folder.rglob("*.parquet") if "accuracy" not in path.parts]
    return sum({path.stat().st_ino: path.stat().st_size for path in files}.values())


def test_what_is_left_to_score_is_known_before_a_job_is_made(scored: Study) -> None:
    def left(study: Study, *steps: int) -> int:
        settings = json.dumps({"protocol": Protocol().model_dump(), "scoring": Scoring().model_dump()})
        requests = [str(study.folder / f"{task}.safetensors") for task in study.tasks]
        return unscored(
            str(study.folder / "checkpoints.tsv"), "tiny", steps, requests, str(study.folder / "store"), settings
        )

    assert left(scored, 1, 2) == 0
    assert left(Study(scored.folder, (1, 2), ("sums", "skies", "foxes")), 1, 2) == 2  # its requests are not there yet
    assert left(Study(scored.folder / "nowhere", (1, 2)), 1, 2) == 2
    assert left(Study(scored.folder, (1, 2), ("sums",)), 1) == 0


def test_scores_are_stored_once(scored: Study) -> None:
    outputs = [scored.output(step) for step in (1, 2)]
    assert {path.stat().st_ino for path in outputs} == {path.stat().st_ino for path in scored.wholes}
    total = sum(path.stat().st_size for path in outputs)
    assert bytes_of_scores(scored.folder / "store", scored.folder / "study") == total
    assert len(scored.entries) == 4
    assert all(path.is_symlink() and not path.readlink().is_absolute() for path in scored.entries)


def test_each_task_is_a_group_of_rows_compressed_and_summed(scored: Study) -> None:
    whole = pq.ParquetFile(scored.output(1)).metadata
    assert [whole.row_group(k).num_rows for k in range(whole.num_row_groups)] == [2, 4]
    column = {
        whole.row_group(0).column(k).path_in_schema: whole.row_group(0).column(k) for k in range(whole.num_columns)
    }
    assert {kept.compression for kept in column.values()} == {"ZSTD"}
    assert "BYTE_STREAM_SPLIT" in column["loglikelihood"].encodings
    assert list(read_scores(scored.output(1)).columns) == list(COLUMNS)


def test_without_the_store_scores_stay_and_the_next_job_scores_again(study: Study) -> None:
    before = study.output(1).read_bytes()
    shutil.rmtree(study.folder / "store")
    assert study.output(1).read_bytes() == before
    study.output(2).unlink()
    study.score(2)
    assert study.trees_scored(2) == 2
    assert study.output(1).read_bytes() == before


def test_without_the_outputs_nothing_is_scored(study: Study) -> None:
    before = {step: study.output(step).read_bytes() for step in (1, 2)}
    shutil.rmtree(study.folder / "study")
    study.score()
    assert {step: study.output(step).read_bytes() for step in (1, 2)} == before
    assert study.trees_scored(1) == 2


def test_a_store_may_be_moved_or_copied(study: Study) -> None:
    shutil.copytree(study.folder / "store", study.folder / "elsewhere", symlinks=True)
    shutil.rmtree(study.folder / "store")
    moved = Study(study.folder, (1, 2), store="elsewhere")
    moved.output(1).unlink()
    moved.score()
    assert moved.trees_scored(1) == 2
    assert not list((study.folder / "store").glob("*/*.parquet"))


def test_a_new_task_takes_the_others_along_and_leaves_nothing_behind(study: Study) -> None:
    before = study.entries
    old = [path.stat().st_size for path in study.wholes]
    more = Study(study.folder, (1, 2), tasks=("sums", "skies", "foxes")).write()
    for step in (1, 2):
        more.output(step).unlink()  # as Snakemake does
    more.score()
    assert before.items() <= more.entries.items()
    assert [more.trees_scored(step) for step in (1, 2)] == [3, 3]
    assert len(more.wholes) == len(old) == 2
    assert bytes_of_scores(study.folder / "store") == sum(path.stat().st_size for path in more.wholes)
    tasks = read_scores(more.output(1))["task"]
    assert list(dict.fromkeys(tasks)) == ["sums", "skies", "foxes"]
    rows = pq.read_table(more.output(1)).drop(["loglikelihood"]).num_rows
    assert rows == 8


def test_two_studies_share_scores_and_not_files(study: Study) -> None:
    """Snakemake sets the times of a study's outputs: were it another's file, too, that one would run again."""
    twin = Study(study.folder, (1, 2), name="twin")
    twin.score()
    assert twin.trees_scored(1) == 2
    assert twin.output(1).read_bytes() == study.output(1).read_bytes()
    assert twin.output(1).stat().st_ino != study.output(1).stat().st_ino
    part = Study(study.folder, (1, 2), tasks=("skies",), name="part")
    part.score()
    assert part.trees_scored(1) == 2
    assert list(read_scores(part.output(1))["task"]) == ["skies"] * 4


def test_without_links_scores_are_copied(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links here")

    before = study.output(1).read_bytes()
    monkeypatch.setattr("os.link", refuse)
    monkeypatch.setattr("trajectories.jobs.assemble._link", refuse)
    shutil.rmtree(study.folder / "store")
    study.output(1).unlink()
    study.score()
    assert not any(path.is_symlink() for path in study.entries)
    study.output(1).unlink()
    study.score()
    assert study.output(1).read_bytes() == before

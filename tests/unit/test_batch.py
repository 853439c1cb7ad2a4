"""A job scores its checkpoints one after the other, the next one fetched meanwhile, and one that fails fails alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.batch import Study
from support.loading import loaded_by
from trajectories.checkpoints import fetch
from trajectories.checkpoints.scratch import Slots
from trajectories.errors import UserError
from trajectories.jobs import batch


def spoil(study: Study, step: int) -> None:
    """Change a checkpoint's weights after the audit."""
    path = study.checkpoint(step) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\1\2\3\4")


def test_a_batch_and_single_jobs_write_the_same_bytes(tmp_path: Path) -> None:
    together = Study(tmp_path, (1, 2, 4)).write()
    alone = Study(tmp_path, (1, 2, 4), name="alone", store="another")
    together.score()
    for step in (4, 1, 2):
        alone.score(step)
    for step in (1, 2, 4):
        assert alone.output(step).read_bytes() == together.output(step).read_bytes()
    assert {step: together.trees_scored(step) for step in (1, 2, 4)} == {1: 2, 2: 2, 4: 2}


def test_a_checkpoint_that_fails_fails_alone(tmp_path: Path) -> None:
    study = Study(tmp_path, (1, 2, 4, 8)).write()
    spoil(study, 2)
    with pytest.raises(UserError, match=r"1 of 4 checkpoints failed \(tiny step2\), the others are done: .*changed"):
        study.score()
    assert [step for step in study.steps if study.output(step).exists()] == [1, 4, 8]
    log = (tmp_path / "study" / "logs" / "tiny" / "step2.log").read_text()
    assert "error: " in log
    assert "error: " not in (tmp_path / "study" / "logs" / "tiny" / "step4.log").read_text()
    took = {path.stem for path in (tmp_path / "study" / "benchmarks" / "tiny").iterdir()}
    assert took == {"step1", "step4", "step8"}
    study.write()  # the audit sees what is there now
    study.score()
    assert study.output(2).exists()
    assert {step: study.trees_scored(step) for step in (1, 4, 8)} == {1: 2, 4: 2, 8: 2}


def test_a_bug_in_one_checkpoint_stays_a_bug_and_the_others_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(tmp_path, (1, 2)).write()
    original = batch.assemble

    def broken(job: batch.Job) -> None:
        if job.checkpoint.step == 1:
            raise ZeroDivisionError("a bug")
        original(job)

    monkeypatch.setattr(batch, "assemble", broken)
    with pytest.raises(ZeroDivisionError):
        study.score()
    assert study.output(2).exists()


def test_what_dies_in_the_middle_loses_the_tree_in_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree that was being scored is scored again; what was finished before is not, of whichever checkpoint."""
    from trajectories.jobs import scorer

    study = Study(tmp_path, (1, 2, 4)).write()
    original, trees = scorer._score_tree, []

    def die_at_the_fourth(*arguments: object) -> None:
        trees.append(arguments)
        if len(trees) == 4:
            raise KeyboardInterrupt
        original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(scorer, "_score_tree", die_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        study.score()
    before = study.entries
    assert len(before) == 3
    monkeypatch.setattr(scorer, "_score_tree", original)
    study.score()
    assert before.items() <= study.entries.items()
    assert [study.trees_scored(step) for step in (1, 2, 4)] == [2, 2, 2]


def test_a_model_is_proven_once_for_all_its_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trajectories.scoring import check

    original, proven = check._prove, []

    def prove(*arguments: Any) -> check.Verdict:
        proven.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(check, "_prove", prove)
    Study(tmp_path, (1, 2, 4), tasks=("sums",)).write().score()
    assert len(proven) == 1


def test_what_is_done_is_found_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study(tmp_path, (1, 2)).write()
    study.score()
    for step in (1, 2):
        study.output(step).unlink()
    monkeypatch.setattr(batch.Scorer, "score", None)
    monkeypatch.setattr(Slots, "first", None)
    study.score()
    assert all(study.output(step).exists() for step in (1, 2))


def test_the_next_checkpoint_comes_while_one_is_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = Study(tmp_path, (1, 2, 4)).write()
    fetched_by: dict[int, str] = {}
    original = fetch.fetched

    @contextmanager
    def watched(checkpoint: fetch.Checkpoint, slots: Slots, **how: bool) -> Iterator[Path]:
        fetched_by[checkpoint.step] = threading.current_thread().name
        with original(checkpoint, slots, **how) as folder:
            yield folder

    monkeypatch.setattr(fetch, "fetched", watched)
    study.score()
    assert fetched_by == {1: "MainThread", 2: "fetch tiny step2", 4: "fetch tiny step4"}


def test_what_another_process_scores_meanwhile_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was sent for turns out to be done: it is let go of, and the one after it is scored."""
    study = Study(tmp_path, (1, 2, 4)).write()
    original = batch.Scorer.score
    seen = []

    def score(self: batch.Scorer, job: batch.Job, *rest: object) -> None:
        seen.append(job.checkpoint.step)
        original(self, job, *rest)  # type: ignore[arg-type]
        if job.checkpoint.step == 1:
            with monkeypatch.context() as patch:
                patch.setattr(batch.Scorer, "score", original)
                study.score(2)

    monkeypatch.setattr(batch.Scorer, "score", score)
    study.score()
    assert seen == [1, 4]
    assert all(study.output(step).exists() for step in (1, 2, 4))


def test_slots(tmp_path: Path) -> None:
    with Slots(tmp_path, 3) as one, Slots(tmp_path, 3) as two:
        one.first()
        one.first()  # is held already
        assert one.another()
        two.first()
        assert not two.another()  # never waits
    with Slots(tmp_path, 1) as one:
        one.first()
        assert not one.another()
    with Slots(tmp_path, None) as free:
        free.first()
        assert free.another()


def test_a_job_that_finds_everything_loads_nothing_heavy() -> None:
    """Its start is all that it costs."""
    heavy = ("pandas", "torch", "transformers", "huggingface_hub")
    assert loaded_by("trajectories.jobs.stage", *heavy, "pydantic") == ["pydantic"]

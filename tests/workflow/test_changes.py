"""What runs again after a change, seen in real runs: scoring is never repeated."""

import time
from pathlib import Path

import pytest

from support.studies import Toy, copy_project, make_toy, scoring_jobs, write_questions

# enough of a study to see what runs: the statistics beyond the regression and the report only follow
TARGETS = ("results/toy/regression.tsv", "results/toy/figures/accuracy.svg")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    toy = make_toy(tmp_path_factory.mktemp("changes"))
    toy.succeed(*TARGETS)
    assert len(toy.store) == 4
    return toy


def untouched(before: dict[Path, float], after: dict[Path, float]) -> bool:
    return all(after[path] == written for path, written in before.items())


def test_touching_nothing_does_nothing(toy: Toy) -> None:
    assert "Nothing to be done" in toy.succeed(*TARGETS)


def test_editing_a_statistic_or_a_figure_scores_nothing(toy: Toy) -> None:
    package = toy.project / "workflow" / "scripts" / "trajectories"
    for module, rules in {"analysis/regression.py": {"fit"}, "figures/style.py": {"figure_accuracy"}}.items():
        original = (package / module).read_text()
        (package / module).write_text(original + "\n# a change\n")
        planned = toy.planned(*TARGETS)
        assert rules <= set(planned)
        assert not {"encode", "questions", "audit"} & set(planned)
        assert not scoring_jobs(planned)
        (package / module).write_text(original)
    assert "Nothing to be done" in toy.succeed("--dry-run", *TARGETS)


def test_a_fresh_checkout_scores_nothing(toy: Toy) -> None:
    fresh = Toy(toy.root, copy_project(toy.root / f"project-{time.monotonic_ns()}"), toy.config)
    planned = fresh.planned(*TARGETS)
    assert "encode" not in planned
    assert not scoring_jobs(planned)


def test_adding_a_task_scores_only_that_task(toy: Toy) -> None:
    before = toy.store
    write_questions(toy.root / "tasks" / "more.csv", 6, first=50)
    toy.config["tasks"] = [*toy.config["tasks"], {"name": "more", "file": "tasks/more.csv"}]
    toy.succeed(*TARGETS)
    assert untouched(before, toy.store)
    assert len(toy.store) == len(before) + 4
    rows = (toy.results / "accuracy.tsv").read_text().splitlines()[1:]
    assert {row.split("\t")[4] for row in rows} == {"sums", "more"}


def test_adding_a_step_scores_only_that_step(toy: Toy) -> None:
    before, tasks = toy.store, len(toy.config["tasks"])
    for model in ("tiny-a", "tiny-b"):
        toy.add_checkpoint(model, 4)
    toy.config["steps"] = [*toy.config["steps"], 4]
    toy.succeed(*TARGETS)
    assert untouched(before, toy.store)
    assert len(toy.store) == len(before) + 2 * tasks


def test_losing_a_scores_file_scores_nothing(toy: Toy) -> None:
    before = toy.store
    lost = toy.results / "scores" / "tiny-a" / "step1.parquet"
    contents = lost.read_bytes()
    lost.unlink()
    toy.succeed("results/toy/scores/tiny-a/step1.parquet")
    assert toy.store == before
    assert lost.read_bytes() == contents

"""`snakemake new`: what it writes is a study, and it never writes over anything."""

from pathlib import Path

import pytest
import yaml

from trajectories.errors import UserError
from trajectories.study.config import Study
from trajectories.study.new import EXAMPLE, SUITES, task_name, write_new_study


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("suite", SUITES)
def test_a_study_is_written_with_questions_to_begin_with(tmp_path: Path, suite: str) -> None:
    text = write_new_study("mine", "", suite, tmp_path).read_text()
    study = Study.from_config(yaml.safe_load(text))
    assert study.study == "mine"
    assert [task.file for task in study.tasks] == ["mine.csv"]
    assert len(study.models) >= 4
    assert (tmp_path / "mine.csv").read_text() == EXAMPLE
    assert text.count("#") > 8


def test_a_file_of_ones_own_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "my questions.csv").write_text(EXAMPLE)
    study = Study.from_config(yaml.safe_load(write_new_study("a", "my questions.csv", "demo", tmp_path).read_text()))
    assert (study.tasks[0].name, study.tasks[0].file) == ("my_questions", "my questions.csv")
    assert not (tmp_path / "a.csv").exists()


def test_mistakes_are_named_and_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("mine")
    for file, suite, said in (("b.csv", "demo", "is not there"), ("", "pythias", "pythia"), ("", "demo", "already")):
        with pytest.raises(UserError, match=said):
            write_new_study("a", file, suite, tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.csv", "mine")]
    write_new_study("c", "a.csv", "demo", tmp_path)
    with pytest.raises(UserError, match="already"):
        write_new_study("c", "a.csv", "demo", tmp_path)


def test_names_come_from_files() -> None:
    assert [task_name(name) for name in ("data/my plurals.v2.csv", "…")] == ["my_plurals_v2", "questions"]

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


@pytest.mark.parametrize(
    ("name", "text", "record"),
    [
        ("a.jsonl", '{"goal": "?", "sol1": "a", "sol2": "b", "label": 0}', {"layout": "piqa"}),
        ("a.csv", 'question;choices;answer\n?;"[""a"", ""b"", ""c"", ""d""]";0\n', {"layout": "mmlu"}),
        ("a.txt", "Once upon a time.", {}),
    ],
)
def test_what_a_file_holds_is_recognised(tmp_path: Path, name: str, text: str, record: dict[str, str]) -> None:
    (tmp_path / name).write_text(text)
    written = yaml.safe_load(write_new_study("s", name, "demo", tmp_path).read_text())
    task = Study.from_config(written).tasks[0]
    assert {key: getattr(task, key) for key in record} == record
    assert task.source == name
    assert (task.text is not None) == (name == "a.txt")


def test_of_other_columns_it_is_said_which_there_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("stem,key\nA,b\n")
    text = write_new_study("s", "a.csv", "demo", tmp_path).read_text()
    assert "# columns of the file: stem, key" in text
    assert "templates" in text
    assert yaml.safe_load(text)["tasks"] == [{"name": "a", "file": "a.csv"}]


def test_a_file_that_cannot_be_read_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("prompt\nnaïve\n".encode("latin-1"))
    with pytest.raises(UserError, match="is not UTF-8 text at line 2"):
        write_new_study("s", "a.csv", "demo", tmp_path)
    assert not (tmp_path / "s.yaml").exists()


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

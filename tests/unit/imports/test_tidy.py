from pathlib import Path

import pytest

from trajectories.errors import UserError
from trajectories.imports.tidy import read_tidy

HEADER = "model\tstep\ttask\tmetric\tvalue\tstderr\tquestions\n"


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "mine.tsv"
    file.write_text(text)
    return file


def test_our_columns(tmp_path: Path) -> None:
    file = write(
        tmp_path, HEADER + "pocket-1\t2\tneqa\taccuracy\t0.5\t0.05\t300\npocket-1\tstep8\tneqa\t\t0.25\tNA\t\n"
    )
    first, second = read_tidy(file)
    assert (first.model, first.revision, first.metric, first.value, first.stderr, first.questions) == (
        "pocket-1", "step2", "accuracy", 0.5, 0.05, 300,
    )  # fmt: skip
    assert (second.revision, second.metric, second.stderr, second.questions) == ("step8", None, None, None)


def test_the_papers_columns(tmp_path: Path) -> None:
    header = "ModelName\tModelRevision\tTask\tAccuracy\tAccuracy_SE\n"
    text = header + "EleutherAI/pythia-70m\tstep2000\tisp_neqa\t0.46\t0.028823067684915\n"
    (reading,) = read_tidy(write(tmp_path, text))
    assert (reading.model, reading.revision, reading.task, reading.questions) == (
        "EleutherAI/pythia-70m", "step2000", "isp_neqa", 300,
    )  # fmt: skip


def test_a_file_cut_short_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mine\.tsv: line 3 has 3 cells where the header has 7; the file is cut short"):
        read_tidy(write(tmp_path, HEADER + "pocket-1\t2\tneqa\taccuracy\t0.5\t0.05\t300\npocket-1\t8\tne"))


def test_another_layout_names_the_missing_column(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mine\.tsv: unknown layout: column 'step' is missing"):
        read_tidy(write(tmp_path, "model\ttask\tvalue\npocket-1\tneqa\t0.5\n"))


@pytest.mark.parametrize(
    ("value", "complaint"),
    [("1.5", "outside 0…1"), ("half", "not a number"), ("nan", "not a number"), ("", "not a number")],
)
def test_a_value_that_is_no_share_names_its_line(tmp_path: Path, value: str, complaint: str) -> None:
    with pytest.raises(UserError, match=rf"mine\.tsv.*line 2.*{complaint}"):
        read_tidy(write(tmp_path, HEADER + f"pocket-1\t2\tneqa\taccuracy\t{value}\t0.05\t300\n"))


def test_an_empty_file_and_a_bare_header_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown layout"):
        read_tidy(write(tmp_path, ""))
    with pytest.raises(UserError, match=r"no rows"):
        read_tidy(write(tmp_path, HEADER))

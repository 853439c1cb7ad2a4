from pathlib import Path

import pytest

from support.imports import read_tidy
from trajectories.errors import UserError

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
        "pocket-1", "2", "accuracy", 0.5, 0.05, 300,
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


def test_a_value_that_is_no_number_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mine\.tsv: line 2: value is 'half', not a number"):
        read_tidy(write(tmp_path, HEADER + "pocket-1\t2\tneqa\taccuracy\thalf\t0.05\t300\n"))


@pytest.mark.parametrize("questions", ["inf", "100.7", "-3"])
def test_a_count_that_is_no_whole_number_names_its_line(tmp_path: Path, questions: str) -> None:
    with pytest.raises(UserError, match=r"mine\.tsv: line 2: questions is .* not a whole number"):
        read_tidy(write(tmp_path, HEADER + f"pocket-1\t2\tneqa\taccuracy\t0.5\t0.05\t{questions}\n"))


@pytest.mark.parametrize("stderr", ["nan", "-3", "inf", "NA", ""])
def test_a_standard_error_that_is_none_is_left_out(tmp_path: Path, stderr: str) -> None:
    (reading,) = read_tidy(write(tmp_path, HEADER + f"pocket-1\t2\tneqa\taccuracy\t0.5\t{stderr}\t300\n"))
    assert reading.stderr is None


def test_marks_blank_lines_and_ways_to_write_a_step_do_not_matter(tmp_path: Path) -> None:
    rows = "".join(
        f"m\t{step}\tneqa\taccuracy\t0.5\t\t\n\n" for step in ("1000", "1000.0", "001000", "step1000", "main")
    )
    (tmp_path / "marked.tsv").write_bytes(b"\xef\xbb\xbf" + (HEADER + rows).replace("\n", "\r\n").encode())
    read = read_tidy(tmp_path / "marked.tsv")
    assert [reading.revision for reading in read] == ["1000", "1000", "1000", "step1000", "main"]


def test_rows_without_a_value_are_passed_over(tmp_path: Path) -> None:
    rows = "m\t1\tneqa\taccuracy\tNA\t\t\nm\t2\tneqa\taccuracy\t0.5\t\t\n"
    assert [reading.revision for reading in read_tidy(write(tmp_path, HEADER + rows))] == ["2"]


def test_an_empty_file_and_a_bare_header_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown layout"):
        read_tidy(write(tmp_path, ""))
    with pytest.raises(UserError, match=r"no rows"):
        read_tidy(write(tmp_path, HEADER))

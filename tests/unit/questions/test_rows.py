"""Rows become questions as the task's record and the protocol say, or are refused with the row named."""

import json
from pathlib import Path
from typing import Any

import pytest

from trajectories.errors import UserError
from trajectories.questions.files import read_rows
from trajectories.questions.question import Question, read_questions, write_questions
from trajectories.questions.rows import parse_choices, to_questions
from trajectories.questions.task import Columns, Task
from trajectories.study.protocol import PRESETS, Protocol

PRIZE = Task(name="prize", file="x.csv")
MC2 = Task(name="mc2", file="x.json", metric="mc2", columns=Columns(context="question", targets="mc2_targets"))
ROW = {"prompt": "2 + 2 =", "classes": "[' 4', ' 5']", "answer_index": "0"}


def test_prize_rows_in_json_and_in_python_give_the_same_question() -> None:
    python = to_questions([ROW], PRIZE, Protocol())
    as_json = to_questions([ROW | {"classes": '[" 4", " 5"]', "answer_index": 0}], PRIZE, Protocol())
    assert python == as_json == [Question("2 + 2 =", (" 4", " 5"), (1, 0))]


def test_the_two_readings_of_classes_differ_where_a_choice_holds_a_quote_mark() -> None:
    text = """[" don't", ' do']"""
    assert parse_choices(text, "list") == (" don't", " do")
    assert parse_choices("[' a', ' b']", "quotes") == (" a", " b")


@pytest.mark.parametrize(("preset", "labels"), [("harness", (1, 0, 1)), ("paper", (1, 0, 0))])
def test_mc2_labels_follow_the_protocol(preset: str, labels: tuple[int, ...]) -> None:
    row = {"question": "Q?", "mc2_targets": {"choices": ["a", "b", "c"], "labels": [1, 0, 1]}}
    assert to_questions([row], MC2, PRESETS[preset])[0].labels == labels
    assert to_questions([row | {"mc2_targets": {"a": 1, "b": 0, "c": 1}}], MC2, PRESETS[preset])[0].labels == labels


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"answer_index": "2"}, "answer index 2 is out of range for 2 choices"),
        ({"answer_index": "x"}, "'x' is not a whole number"),
        ({"classes": "[' 4']"}, "at least 2 are needed"),
        ({"classes": "four"}, "neither a JSON nor a Python list"),
        ({"classes": "[' 4', '']"}, "choice 1 is empty"),
        ({"prompt": 3}, "the context 3 is not text"),
    ],
)
def test_a_wrong_row_is_refused_with_its_number(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError, match="task prize, row 1: ") as caught:
        to_questions([ROW, ROW | change], PRIZE, Protocol())
    assert expected in str(caught.value)


def test_a_missing_column_and_a_wrong_count_are_clear() -> None:
    with pytest.raises(UserError, match="has no column 'prompt'; its columns are classes, answer_index"):
        to_questions([{k: v for k, v in ROW.items() if k != "prompt"}], PRIZE, Protocol())
    with pytest.raises(UserError, match="has 1 questions, its record says 2"):
        to_questions([ROW], PRIZE.model_copy(update={"questions": 2}), Protocol())


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.jsonl", '{"a": 1}\n{"a": ', "a.jsonl, line 2: not valid JSON"),
        ("a.jsonl", "[1]\n", "line 1: is not a JSON object"),
        ("a.json", '{"a": 1}', "is not a JSON list of objects"),
        ("a.csv", "a,b\n1,2,3\n", "row 0: has not as many fields"),
        ("a.csv", 'a,b\n"1,2\n', "not valid CSV"),
        ("a.txt", "", "the ending must be one of .jsonl, .json, .csv"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path: Path, name: str, text: str, expected: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError) as caught:
        read_rows(tmp_path / name)
    assert expected in str(caught.value)


def test_the_three_file_kinds_agree(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(ROW) + "\n\n")
    (tmp_path / "a.json").write_text(json.dumps([ROW]))
    (tmp_path / "a.csv").write_text("prompt,classes,answer_index\n2 + 2 =,\"[' 4', ' 5']\",0\n")
    assert read_rows(tmp_path / "a.jsonl") == read_rows(tmp_path / "a.json") == read_rows(tmp_path / "a.csv") == [ROW]


def test_questions_survive_their_file(tmp_path: Path) -> None:
    questions = [
        Question("naïve ", (" ☃", "\n"), (0, 1)),
        Question("", ("a", "b", "a"), (1, 1, 0)),
        Question("", ("a", "b"), (1, 0), contexts=("x", "y"), measured=("p", "q")),
        Question("", ("a text",), (1,), running=True),
    ]
    write_questions(questions, tmp_path / "q.parquet", {"source": "here"})
    assert read_questions(tmp_path / "q.parquet") == questions
    (tmp_path / "q.parquet").write_bytes((tmp_path / "q.parquet").read_bytes()[:200])
    with pytest.raises(UserError, match=r"q\.parquet: not a readable questions file"):
        read_questions(tmp_path / "q.parquet")


def test_memo_trap_is_read_whole(shared_data: Path) -> None:
    rows = [row for part in sorted((shared_data / "memo_trap").glob("*.csv")) for row in read_rows(part)]
    questions = to_questions(rows, PRIZE, Protocol())
    assert len(questions) == 960
    assert {choice[0] for question in questions for choice in question.choices} == {" "}

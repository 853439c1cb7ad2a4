"""Rows become questions as the task's record and the protocol say, or are refused with the row named."""

import json
import logging
import shlex
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trajectories.errors import UserError
from trajectories.questions.files import read_rows
from trajectories.questions.question import Question
from trajectories.questions.rows import parse_choices, to_questions
from trajectories.questions.stage import questions_of, sampled, write_task
from trajectories.questions.stored import question_metadata, read_questions, write_questions
from trajectories.questions.task import Task
from trajectories.study.known import as_task
from trajectories.study.protocol import PRESETS, Protocol

PRIZE = Task(name="prize", file="x.csv")
MC2 = Task(
    name="mc2", file="x.json", metric="mc2", context="{{question}}", choices="{{mc2_targets.choices}}",
    labels="{{mc2_targets.labels}}",
)  # fmt: skip
MAPPED = MC2.model_copy(update={"choices": "{{mc2_targets | list}}", "labels": "{{mc2_targets.values() | list}}"})
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
    assert to_questions([row | {"mc2_targets": {"a": 1, "b": 0, "c": 1}}], MAPPED, PRESETS[preset])[0].labels == labels


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"answer_index": "2"},
            "answer index 2 is out of range for 2 choices (0 to 1)",
        ),
        ({"classes": "4 | 5"}, "texts with | between them are {{classes.split('|')}}"),
        ({"answer_index": "x"}, "answer 'x' is not there: it is no position (0 to 1), no letter (A to B)"),
        ({"answer_index": "C"}, "answer 'C' is not there"),
        ({"answer_index": -1}, "answer index -1 is out of range"),
        ({"answer_index": "-1"}, "answer index -1 is out of range"),
        ({"answer_index": 0.5}, "0.5 is not a whole number"),
        ({"answer_index": ""}, "answer '' is not there"),
        ({"answer_index": None}, "a column is empty (null)"),
        ({"classes": "[]"}, "choices: the list is empty"),
        ({"classes": [" a", None]}, "choices: None is not text"),
        ({"prompt": None}, "a column is empty (null)"),
        ({"classes": "[' 4']"}, "at least 2 are needed"),
        ({"classes": "four"}, "neither a JSON nor a Python list"),
        ({"classes": "[' 4', '']"}, "choice 1 is empty"),
    ],
)
def test_a_wrong_row_is_refused_with_its_number(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError, match="task prize, row 1: ") as caught:
        to_questions([ROW, ROW | change], PRIZE, Protocol())
    assert expected in str(caught.value)


def test_a_missing_column_and_a_wrong_count_are_clear() -> None:
    with pytest.raises(UserError, match=r"row 0: 'prompt' is undefined \(in '{{prompt}}'\); its columns are classes, "):
        to_questions([{k: v for k, v in ROW.items() if k != "prompt"}], PRIZE, Protocol())
    with pytest.raises(UserError, match="has 1 questions, its record says 2"):
        to_questions([ROW], PRIZE.model_copy(update={"questions": 2}), Protocol())


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.jsonl", '{"a": 1}\n{"a": ', "a.jsonl, row 1 (line 2): not valid JSON"),
        ("a.jsonl", '{"a": 1}\n3\n', "row 1 (line 2): is not a JSON object"),
        ("a.jsonl", "[1]\n", "row 0: is not a JSON object"),
        ("a.json", '{"a": 1}', "is a JSON object with the keys a; a list of objects is needed"),
        ("a.json", '{"a": [], "b": []}', "is a JSON object with the keys a, b; a list of objects is needed"),
        ("a.json", "3", "is not a JSON list of objects"),
        ("a.csv", "a,b\n1,2\n,\n", "row 1 (line 3): is blank, every column is empty; delete the line"),
        ("a.csv", 'a,b\n"1\n2",2\n3\n', "row 1 (line 4): has 1 fields, the header has 2"),
        ("a.csv", "", "a.csv: is empty"),
        ("a.csv", "a,b\n1,2,3\n", "row 0 (line 2): has 3 fields, the header has 2; put fields that hold commas in"),
        ("a.csv", "sep=;\na;b\n1;2;3\n", "row 0 (line 3): has 3 fields, the header has 2; put fields that hold semi"),
        ("a.csv", "a, b ,b\n1,2,3\n", "has 2 columns named 'b'; rename all but one"),
        ("a.csv", '{"a": 1}\n{"a": 2}\n', "is JSON by the look of it; give its name the ending .jsonl"),
        ("a.csv", "a,b\n1,2\0\n", "holds a zero byte at line 2; no text does"),
        ("a.csv", 'a,b\n"1,2\n', "not valid CSV"),
        ("a.txt", "", "the ending must be one of .jsonl, .json, .csv, .tsv, .parquet"),
        ("a.parquet", "PAR1 but no more", "a.parquet: not a whole parquet file"),
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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "\ufeffa;b\r\n1;2, 3\r\n"), ("a.csv", "a\tb\n1\t2, 3\n"), ("a.csv", "a|b\n1|2, 3\n"),
        ("a.csv", "sep=;\r\na;b\r\n1;2, 3\r\n"), ("a.csv", ' a , b \n1,"2, 3"\n'), ("a.csv", 'a,b\r1,"2, 3"\r'),
        ("a.tsv", "\ufeffa\tb\r\n1\t2, 3\r\n"), ("a.json", '{"a": "1", "b": "2, 3"}\n{"a": "1", "b": "2, 3"}\n'),
        ("a.jsonl", '[\n {"a": "1", "b": "2, 3"}\n]\n'),
        ("a.json", '{"data": [{"a": "1", "b": "2, 3"}], "version": 1}'),
    ],
)  # fmt: skip
def test_tables_are_read_as_programs_write_them(tmp_path: Path, name: str, text: str) -> None:
    """Byte order marks, line ends, signs between columns, and JSON under the name of its sister."""
    (tmp_path / name).write_bytes(text.encode())
    assert read_rows(tmp_path / name)[0] == {"a": "1", "b": "2, 3"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_another_encoding_is_named_with_the_command_that_mends_it(tmp_path: Path, encoding: str) -> None:
    text = "prompt,classes,answer_index\n" + "“naïve” is,\"[' a', ' b']\",0\n" * 20
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    with pytest.raises(UserError, match="is not UTF-8 text") as caught:
        read_rows(tmp_path / "a.csv")
    command = shlex.split(str(caught.value).split("for instance: ")[1].replace(" > ", " "))
    assert (tmp_path / "a.csv").read_bytes().decode(command[command.index("-f") + 1]).lstrip("\ufeff") == text


def test_not_a_number_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"prompt": NaN, "classes": [" a", " b"], "answer_index": 0}')
    rows = read_rows(tmp_path / "a.jsonl")
    for row in (rows[0], {**rows[0], "prompt": float("nan")}):
        with pytest.raises(UserError, match=r"row 0.*a column is empty \(null\) \(in '{{prompt}}'\)"):
            to_questions([row], PRIZE, Protocol())


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


@pytest.mark.parametrize(
    ("answer", "choices", "position"),
    [
        (1, ["a", "b"], 1), ("1", ["a", "b"], 1), (True, ["no", "yes"], 1), ("B", ["x", "y"], 1), ("b", ["x", "y"], 1),
        ("Rome", [" Paris", " Rome"], 1), (" Rome", [" Paris", " Rome"], 1), ("B", ["B", "A"], 0), ("5", ["4", "5"], 1),
        ("1", ["1", "0"], 1),  # a number is a position where there is one
    ],
)  # fmt: skip
def test_an_answer_is_a_position_a_letter_or_a_text(answer: Any, choices: list[str], position: int) -> None:
    (question,) = to_questions([{"prompt": "?", "classes": choices, "answer_index": answer}], PRIZE, Protocol())
    assert question.labels.index(1) == position


def test_the_two_classes_of_a_context_each_and_one_choice_alone() -> None:
    split = Task(
        name="t", file="x.csv", contexts=["{{a}}", "{{b}} or"], choices="{{[c] * 2}}", answer="{{row['the answer']}}"
    )
    row = {"a": "A", "b": "B", "c": " end", "the answer": 2 - 1}
    assert to_questions([row], split, Protocol()) == [Question("", (" end", " end"), (0, 1), ("A", "B or"))]
    one = Task(name="t", file="x.csv", context="{{a}}", choices=["{{c}}"], answer=0, metric="greedy")
    assert to_questions([row], one, Protocol()) == [Question("A", (" end",), (1,))]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"context": "prompt"}, "'prompt' is the text itself; the column of that name is written {{prompt}}"),
        ({"choices": "{{classes.text}}"}, "'str object' has no attribute 'text' (in '{{classes.text}}'); its columns"),
        ({"context": "{{prompt / 2}}"}, "unsupported operand"),
        ({"context": "{{prompt.__class__.__mro__}}"}, "is unsafe"),
        ({"answer": "{{['a'].index(answer_index)}}"}, "'0' is not in list"),
    ],
)
def test_a_template_that_fails_is_named_with_its_row(keys: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError, match="task t, row 0: ") as caught:
        to_questions([ROW], Task(name="t", file="x.csv", **keys), Protocol())
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"context": "{{prompt"}, "context is '{{prompt': is not a template: unexpected end"),
        ({"context": "Q: {prompt}"}, "a column is written {{prompt}}, with two braces"),
        ({"layout": "arcs"}, "unknown layout 'arcs'; did you mean 'arc'?"),
        ({"answer": 0, "labels": "{{x}}"}, "give either answer or labels"),
        ({"columns": {"context": "q", "choices": ["a", "b"]}, "template": "Q: {context}"},
         'write context: "Q: {{q}}", choices: "{{[a, b]}}", answer: "{{answer_index}}"'),
        ({"columns": {"targets": "t"}}, 'choices: "{{t.choices}}", labels: "{{t.labels}}"'),
    ],
)  # fmt: skip
def test_a_wrong_record_is_refused_before_any_row(record: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError) as caught:
        Task.checked({"name": "t", "file": "x.csv"} | record, "config")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "record",
    [
        {"generator": "neqa", "context": "{{x}}"},
        {"text": {"file": "x.txt"}, "shots": 1},
        {"text": {"file": "x.txt"}, "layout": "arc"},
        {"text": "x.txt"},
        {"text": {}},
        {"file": "a.csv", "text": {"file": "x.txt"}},
    ],
)
def test_keys_that_do_not_go_together_are_refused(record: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        Task.checked({"name": "t"} | record, "config")


def test_a_record_reads_the_same_after_its_travel_as_json() -> None:
    for record in ({"layout": "arc"}, {"layout": "lambada"}, {"labels": "{{x}}"}, {"layout": "winogrande"}):
        task = Task.checked({"name": "t", "file": "x.csv"} | record, "config")
        assert Task.model_validate_json(task.canonical()) == task


ROWS = "prompt{0}classes{0}answer_index\r\n2 + 2 ={0}\"[' 4', ' 5']\"{0}0\r\n"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", ROWS.format(","), ""), ("a.csv", "\ufeff" + ROWS.format(","), ""),
        ("a.csv", ROWS.format(";"), "semicolons"), ("a.csv", ROWS.format("\t"), "tabs"),
        ("a.tsv", ROWS.format("\t"), "tabs"),
    ],
)  # fmt: skip
def test_csv_as_spreadsheets_write_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_bytes(text.encode())
    with caplog.at_level(logging.INFO):
        assert read_rows(tmp_path / name) == [ROW]
    assert said in caplog.text
    assert bool(said) == bool(caplog.text)


def test_parquet(tmp_path: Path) -> None:
    rows = [{"question": "?", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answerKey": "B"}] * 3
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert read_rows(tmp_path / "a.parquet") == rows
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"a\.parquet: not a whole parquet file"):
        read_rows(tmp_path / "a.parquet")


def asked(**keys: Any) -> list[Question]:
    return questions_of(Task(name="t", **keys), Protocol())[0]


def test_running_texts_from_a_text_and_from_rows(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffOne text,\r\ntwo lines.".encode())
    (tmp_path / "a.jsonl").write_text('{"text": "One"}\n{"text": "Two", "page": 2}\n')
    texts = asked(text={"file": str(tmp_path / "a.txt")})
    assert texts == [Question("", ("One text,\ntwo lines.",), (1,), running=True)]
    assert [text.choices for text in asked(text={"file": str(tmp_path / "a.jsonl")})] == [("One",), ("Two",)]
    with pytest.raises(UserError, match=r"task t, row 0 \(line 1\): 'page' is undefined"):
        asked(text={"file": str(tmp_path / "a.jsonl"), "each": "{{page}}"})
    for name, text in (("b.txt", " \n"), ("b.jsonl", '{"text": ""}')):
        (tmp_path / name).write_text(text)
        with pytest.raises(UserError, match=r"task t, row 0( \(line 1\))?: question: the running text is empty"):
            asked(text={"file": str(tmp_path / name)})


def test_a_sample_is_the_same_every_time_and_keeps_the_order(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(ROW | {"prompt": str(n)}) for n in range(50)))
    task = Task(name="t", file=str(tmp_path / "a.jsonl"), sample=9, sample_seed=3, shots=1)
    write_task(task=task.canonical(), protocol=Protocol().canonical(), seed=0, output=tmp_path / "q.parquet")
    drawn, every = read_questions(tmp_path / "q.parquet"), questions_of(task, Protocol())[0]
    assert question_metadata(tmp_path / "q.parquet")["available"] == "50"
    places = [every.index(question) for question in drawn]
    assert len(places) == 9
    assert places == sorted(places) != list(range(9))
    assert places == [every.index(question) for question in sampled(every, task)]
    assert sampled(every, task.model_copy(update={"sample_seed": 4})) != drawn
    assert sampled(every, task.model_copy(update={"sample": 50})) == every


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        (
            "latin-1",
            "at line 3, by the look of it Latin-1 or Windows-1252; save it as UTF-8, for instance: iconv -f",
        ),
        (
            "utf-16",
            "by the look of it UTF-16; save it as UTF-8, for instance: iconv -f UTF-16 -t UTF-8 a.csv > utf",
        ),
        ("utf-16-le", "by the look of it UTF-16"),
    ],
)
def test_another_encoding_is_named_with_the_cure(tmp_path: Path, encoding: str, expected: str) -> None:
    (tmp_path / "a.csv").write_bytes("prompt\nthe\ncafé\n".encode(encoding))
    with pytest.raises(UserError) as caught:
        read_rows(tmp_path / "a.csv")
    assert expected in str(caught.value)


def test_a_list_inside_an_object_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"version": 2, "data": [ROW]}))
    assert read_rows(tmp_path / "a.json") == [ROW]


def test_every_kind_of_mistake_of_a_file_is_said_once_with_its_first_row() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"answer_index": 2},
        {"classes": "x"},
        {"answer_index": 2},
        {"answer_index": 9},
    ]
    with pytest.raises(UserError) as caught:
        to_questions([ROW | change for change in changes], PRIZE, Protocol())
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"task prize, row {row}" for row in (1, 2, 4)]
    assert "if answers count from 1, take one off" in lines[0]
    assert lines[0].endswith("(and so in 1 more row)")
    assert "count from 1" not in lines[2]


def test_mistakes_that_differ_only_in_the_rows_own_text_are_one_kind() -> None:
    rows = [ROW | {"classes": text} for text in (" Paris| Rome", " four| five", " a| b")]
    with pytest.raises(UserError, match=r"row 0: .* Paris\| Rome.*\(and so in 2 more rows\)$"):
        to_questions(rows, PRIZE, Protocol())


def test_choices_that_are_a_mapping_say_how_to_name_their_list() -> None:
    row = ROW | {"classes": {"label": "AB", "text": [" 4", " 5"]}}
    with pytest.raises(
        UserError, match=r"mapping with the keys label, text; name the list in it, as in {{classes\.text}}"
    ):
        to_questions([row], PRIZE, Protocol())


def test_context_and_choices_that_both_fail_are_both_said() -> None:
    with pytest.raises(UserError) as caught:
        to_questions([ROW], PRIZE.model_copy(update={"context": "{{promt}}", "choices": "{{clases}}"}), Protocol())
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert all(f"'{name}' is undefined" in line for name, line in zip(("clases", "promt"), lines, strict=True))


@pytest.mark.parametrize(
    ("row", "layout"),
    [
        ({"question": "?", "choices": {"text": ["a"], "label": ["A"]}, "answerKey": "A"}, "arc"),
        ({"question": "?", "choices": ["a", "b", "c", "d"], "answer": 0}, "mmlu"),
        ({"goal": "?", "sol1": "a", "sol2": "b", "label": 0}, "piqa"),
        ({"sentence_good": "a", "sentence_bad": "b", "UID": 1}, "blimp"),
        ({"sentence": "_", "option1": "a", "option2": "b", "answer": "1"}, "winogrande"),
        (ROW | {"other_prompt": "?"}, "logodds"),
    ],
)
def test_columns_of_a_known_layout_are_recognised(row: dict[str, Any], layout: str) -> None:
    own = PRIZE.model_copy(update={"context": "{{nothing}}"})
    with pytest.raises(UserError, match=rf"'nothing' is undefined .*; they are those of layout: {layout}$"):
        to_questions([row], own, Protocol())


def test_a_known_task_takes_another_layout_or_another_way_to_give_the_answer() -> None:
    arc = as_task({"task": "memo_trap", "layout": "arc"})
    assert Task.checked(arc, "config").choices == "{{choices.text}}"
    labelled = Task.checked(as_task({"task": "memo_trap", "labels": "{{labels}}"}), "config")
    assert (labelled.answer, labelled.labels, labelled.choices) == (None, "{{labels}}", "{{classes}}")

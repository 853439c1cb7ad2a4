"""Whatever a question file holds, it is rows or one clear refusal; what was written comes back."""

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from trajectories.errors import UserError
from trajectories.questions.files import read_rows
from trajectories.questions.question import Question
from trajectories.questions.rows import parse_choices, to_questions
from trajectories.questions.task import Task
from trajectories.study.protocol import PRESETS, Protocol

PRIZE = Task(name="prize", file="prize.csv")
MC2 = Task.model_validate(
    {
        "name": "mc2",
        "file": "x.jsonl",
        "context": "{{q}}",
        "choices": "{{targets.choices}}",
        "labels": "{{targets.labels}}",
        "metric": "mc2",
    }
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FILLED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@contextmanager
def written(name: str, data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


def attempt(read: Callable[[], list[Any]]) -> tuple[list[Any], str]:
    """Return what was read, or nothing and the refusal."""
    try:
        return read(), ""
    except UserError as error:
        return [], str(error)


@st.composite
def questions(draw: st.DrawFn) -> list[Question]:
    made = []
    for _ in range(draw(st.integers(1, 4))):
        choices = draw(st.lists(FILLED, min_size=2, max_size=4))
        answer = draw(st.integers(0, len(choices) - 1))
        context = draw(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
        made.append(Question(context, tuple(choices), tuple(int(k == answer) for k in range(len(choices)))))
    return made


@given(st.sampled_from(["a.jsonl", "a.json", "a.csv"]), st.binary(max_size=200))
def test_any_bytes_are_rows_or_refused(name: str, data: bytes) -> None:
    with written(name, data) as path:
        rows, refusal = attempt(lambda: read_rows(path))
    assert all(isinstance(row, dict) for row in rows)
    assert not refusal or name in refusal


@given(st.sampled_from(["a.jsonl", "a.json"]), JSON)
def test_any_json_is_rows_or_refused(name: str, value: Any) -> None:
    with written(name, json.dumps(value).encode()) as path:
        rows, refusal = attempt(lambda: read_rows(path))
    assert all(isinstance(row, dict) for row in rows)
    assert "\n" not in refusal


@given(
    st.sampled_from([PRIZE, MC2]), st.sampled_from(list(PRESETS.values())),
    st.dictionaries(st.sampled_from(["prompt", "classes", "answer_index", "q", "targets"]), JSON | TEXT),
)  # fmt: skip
def test_any_row_is_a_question_or_refused_with_its_number(task: Task, protocol: Protocol, row: dict[str, Any]) -> None:
    made, refusal = attempt(lambda: to_questions([row], task, protocol))
    if made:
        assert 1 in made[0].labels
    else:
        assert refusal.startswith(f"task {task.name}, row 0: ")


@given(TEXT, st.sampled_from(["list", "quotes"]))
def test_any_text_of_choices_is_parsed_or_refused(text: str, classes: str) -> None:
    try:
        parse_choices(text, classes)
    except ValueError:
        return


@given(questions())
def test_what_is_written_comes_back(made: list[Question]) -> None:
    rows = [{"prompt": q.context, "classes": list(q.choices), "answer_index": q.labels.index(1)} for q in made]
    texts = {
        "a.jsonl": "\n".join(map(json.dumps, rows)),
        "a.json": json.dumps(rows, ensure_ascii=False),
        "a.csv": _csv([row | {"classes": json.dumps(row["classes"])} for row in rows]),
        "b.csv": _csv([row | {"classes": repr(row["classes"])} for row in rows]),
    }
    for name, text in texts.items():
        with written(name, text.encode()) as path:
            assert to_questions(read_rows(path), PRIZE, Protocol()) == made, name


def _csv(rows: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()

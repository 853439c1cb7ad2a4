"""Which answer is in a text, and which choice it is; records of tasks whose answers are written."""

from typing import Any

import pytest

from trajectories.errors import UserError
from trajectories.questions.layouts import changed
from trajectories.questions.rows import to_questions
from trajectories.questions.task import Task
from trajectories.questions.written import Written
from trajectories.study.known import as_task
from trajectories.study.protocol import Protocol


def way(**keys: Any) -> Written:
    return Written.model_validate({"by": "generation", **keys})


@pytest.mark.parametrize(
    ("pattern", "text", "answer"),
    [
        (r"(\S.*)", "\n Yes, it is.\nNo", "Yes, it is."),
        (r"(\S.*)", " \n ", None),
        (r"answer is (\w+)", "So the answer is B. The answer is A.", "B"),
        (r"answer is (\w+)", "B", None),
        (r"yes|(no)", "yes", None),
        (r"=( *)", "= ", None),
    ],
)
def test_the_answer_is_where_the_pattern_fits_first(pattern: str, text: str, answer: str | None) -> None:
    assert way(pattern=pattern).answer_in(text) == answer


@pytest.mark.parametrize(
    ("answer", "choices", "rules", "place"),
    [
        ("yes.", (" No", " Yes"), ["spaces", "case", "punctuation"], 1),
        ("yes", (" No", " Yes"), ["spaces"], None),
        ("Yes.", (" No", " Yes"), ["spaces"], None),
        ("3.14", ("314", "3.14"), ["punctuation"], 1),
        ("a  b", ("a b",), ["spaces"], 0),
        ("STRASSE", ("straße",), ["case"], 0),
        ("maybe", (" No", " Yes"), ["spaces", "case", "punctuation"], None),
        ("no", ("No", "no"), ["case"], 0),
    ],
)
def test_normalisation(answer: str, choices: tuple[str, ...], rules: list[str], place: int | None) -> None:
    assert way(normalise=rules).choice_of(answer, choices) == place


def record(**keys: Any) -> Task:
    return Task.checked({"name": "t", "file": "t.csv", "answer": {"by": "generation"}, **keys}, "config")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"pattern": "(a"}, r"pattern is '\(a': is no regular expression: missing \)"),
        ({"pattern": "a"}, "pattern is 'a': has no group; put brackets"),
        ({"pattern": "(a)(b)"}, r"pattern is '\(a\)\(b\)': has 2 groups"),
        ({"stop": ["\n", ""]}, "stop: holds an empty text"),
        ({"new_tokens": 0}, "new_tokens is 0"),
        ({"normalise": ["colour"]}, "none of those allowed"),
        ({"patern": "(a)"}, "unknown key 'patern'; did you mean 'pattern'"),
        ({"by": "writing"}, "by is 'writing'"),
    ],
)
def test_mistakes_are_one_line(answer: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        record(answer={"by": "generation", **answer})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"metric": "loss"}, "metric loss needs log-likelihoods"),
        ({"contexts": ["a", "b"]}, "takes no contexts"),
        ({"file": None, "text": {"file": "t.txt"}, "metric": "accuracy"}, "takes no text"),
    ],
)
def test_what_cannot_be_written_is_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        record(**keys)


def test_what_is_true_is_said_by_the_layout_or_in_the_answer() -> None:
    row = {"prompt": "p", "classes": ["a", "b"], "answer_index": 1, "letter": "A"}
    for answer, labels in (({}, (0, 1)), ({"true": "{{letter}}"}, (1, 0)), ({"true": 0}, (1, 0))):
        task = record(answer={"by": "generation", **answer})
        assert Task.model_validate_json(task.canonical()) == task
        assert [q.labels for q in to_questions([row], task, Protocol())] == [labels]


def test_a_known_task_keeps_what_is_true() -> None:
    written = {"by": "generation"}
    assert Task.checked(as_task({"task": "neqa", "name": "n", "answer": written}), "").true == "{{answer_index}}"
    truthful = Task.checked(as_task({"task": "truthfulqa_mc1", "answer": written, "metric": "accuracy"}), "")
    assert (truthful.true, truthful.labels) == (None, "{{mc1_targets.labels}}")
    assert changed({"answer": 1}, {"answer": written}) == {"answer": {**written, "true": 1}}
    assert Task.checked({"name": "g", "generator": "neqa", "answer": written}, "").written is not None

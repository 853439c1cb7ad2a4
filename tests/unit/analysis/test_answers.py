"""Answers counted from scores: constant ones are told from right ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from trajectories.analysis.accuracy import accuracy_rows
from trajectories.analysis.answers import Texts, answers_row, constant_checkpoints, taken, write_answers
from trajectories.analysis.question_metrics import question_metrics
from trajectories.tables import read_table, write_table


def scores(answer: np.ndarray, truth: np.ndarray, choices: int = 2, task: str = "t") -> pd.DataFrame:
    """One checkpoint's scores in which each question (n) is answered by the choice of that place."""
    count = len(answer)
    place = np.tile(np.arange(choices), count)
    chosen, true = (np.repeat(values, choices) == place for values in (answer, truth))
    return pd.DataFrame(
        {
            "task": task, "question": np.repeat(np.arange(count), choices), "choice": place, "label": true.astype(int),
            "loglikelihood": np.where(chosen, -1.0, -5.0), "characters": 3, "bytes": 3, "tokens": 1,
            "unconditional": np.nan,
        }
    )  # fmt: skip


def row(answer: np.ndarray, truth: np.ndarray, texts: list[tuple[str, ...]] | None = None) -> dict[str, object]:
    given = taken(scores(answer, truth), "accuracy")
    assert given is not None
    return answers_row(*given, Texts.of(texts) if texts else None)


TRUTH = np.array([0] * 12 + [1] * 8)
ALWAYS = np.zeros(20, int)


def test_one_answer_to_everything() -> None:
    said = row(ALWAYS, TRUTH, [(" A", " B")] * 20)
    assert (said["share_position"], said["share_text"], said["entropy"]) == (1, 1, 0)
    assert (said["constant_accuracy"], said["balanced_accuracy"], said["constant"]) == (0.6, 0.5, True)


def test_a_text_is_one_answer_wherever_it_stands() -> None:
    """Choices are shuffled: the model always says yes, which stands first in every other question."""
    texts = [(" yes", " no"), (" no", " yes")] * 10
    always_yes = np.tile([0, 1], 10)
    said = row(always_yes, TRUTH, texts)
    assert (said["share_position"], said["share_text"], said["constant"]) == (0.5, 1, True)
    assert said["entropy"] == pytest.approx(np.log(2))
    assert said["constant_accuracy"] == np.mean(always_yes == TRUTH)
    assert said["balanced_accuracy"] == 0.5


def test_who_is_always_right_does_not_always_say_the_same() -> None:
    """The truth stands first throughout: taking it is no habit. With texts that are all alike nobody can tell."""
    own = [(f" one {n}", f" other {n}") for n in range(20)]
    right = row(ALWAYS, ALWAYS, own)
    assert (right["share_position"], right["constant"]) == (1, False)
    wrong = row(1 - ALWAYS, ALWAYS, own)
    assert (wrong["share_position"], wrong["constant"]) == (1, False)
    assert row(ALWAYS, ALWAYS, [(" yes", " no")] * 20)["constant"]


def test_twenty_answers_may_differ_once_and_few_never_tell() -> None:
    once, twice = ALWAYS.copy(), ALWAYS.copy()
    once[0], twice[:2] = 1, 1
    assert [row(answer, TRUTH)["constant"] for answer in (once, twice)] == [True, False]
    few = np.array([0, 1] * 4)
    assert not row(np.zeros(8, int), few)["constant"]


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    truth, answer = rng.choice(4, 200, p=[0.5, 0.3, 0.15, 0.05]), rng.integers(4, size=200)
    table = scores(answer, truth, 4)
    given = taken(table, "accuracy")
    assert given is not None
    expected = balanced_accuracy_score(truth, answer)
    assert answers_row(*given)["balanced_accuracy"] == pytest.approx(expected)
    summary = accuracy_rows(table, "m", 1, 1, 1).set_index("metric")
    assert summary.loc["accuracy_balanced", "value"] == pytest.approx(expected)
    assert summary.loc["accuracy_balanced", "questions"] == 200


def test_the_error_of_balanced_accuracy_is_what_samples_vary_by() -> None:
    rng = np.random.default_rng(6)
    truth = np.repeat([0, 1], [300, 60])
    chance = np.where(truth == 0, 0.9, 0.3)
    made = [
        accuracy_rows(scores(np.where(rng.random(360) < chance, truth, 1 - truth), truth), "m", 1, 1, 1)
        .set_index("metric")
        .loc["accuracy_balanced"]
        for _ in range(200)
    ]
    spread = float(np.std([float(one["value"]) for one in made]))
    assert float(np.mean([float(one["stderr"]) for one in made])) == pytest.approx(spread, rel=0.15)
    assert float(np.mean([float(one["value"]) for one in made])) == pytest.approx(0.6, abs=0.01)


def test_answers_are_those_of_the_metric() -> None:
    """By log-likelihood the short choice wins everywhere, by character the long one."""
    table = scores(ALWAYS, TRUTH).assign(characters=np.tile([1, 100], 20))
    by_length = taken(table, "accuracy_norm")
    assert by_length is not None
    assert set(by_length[1]) == {1}
    assert question_metrics(table)["accuracy_norm"].mean() == np.mean(TRUTH == 1)


def test_what_scores_do_not_tell_is_left_to_accuracies() -> None:
    assert taken(scores(ALWAYS, ALWAYS, 1), "accuracy") is None
    assert taken(scores(ALWAYS, TRUTH).assign(loglikelihood=np.nan), "accuracy") is None


def test_the_table_from_accuracies_alone(tmp_path: Path) -> None:
    common = {"model": "m", "parameters": 1, "task": "t", "metric": "accuracy", "stderr": 0.03, "questions": 300}
    values = [137 / 300, 0.52, 163 / 300, 137 / 300, 0.61, 0.66, 0.7, 137 / 300]
    rows = [common | {"step": step, "tokens": step, "value": value} for step, value in enumerate(values, 1)]
    write_table(pd.DataFrame(rows), tmp_path / "accuracy.tsv", "accuracy")
    task = {"task": "t", "metric": "accuracy", "constants": "0.456667 0.543333", "chance": 0.5}
    columns = ("label", "questions", "available", "shots", "version", "part_of", "description", "source", "licence")
    listed = task | dict.fromkeys((*columns, "citation"), "")
    write_table(pd.DataFrame([listed]), tmp_path / "tasks.tsv", "tasks")
    out = tmp_path / "answers.tsv"
    write_answers(tmp_path / "accuracy.tsv", tmp_path / "tasks.tsv", {}, [], {"t": "accuracy"}, out)
    table = read_table(out, "answers")
    assert table["constant"].tolist() == [True, False, True, True, False, False, False, True]
    assert set(table["by"]) == {"constants"}
    assert constant_checkpoints(out) == {("m", step, "t") for step in (1, 3, 4, 8)}


def written(answer: list[int], truth: list[int]) -> dict[str, object]:
    """What is said of answers that a model wrote to questions with two choices: -1 another text, 2 none at all."""
    place = np.tile(np.arange(3), len(answer))
    table = scores(np.zeros(len(answer), int), np.zeros(len(answer), int), 3).assign(
        loglikelihood=np.nan, tokens=0, label=(np.repeat(truth, 3) == place).astype(int),
        is_greedy=np.repeat(answer, 3) == place,
    )  # fmt: skip
    given = taken(table, "accuracy")
    assert given is not None
    return answers_row(*given, Texts.of([("A", "B")] * len(answer)))


def test_answers_that_were_written_are_counted_among_the_texts_that_hold_one() -> None:
    said = written([0] * 12 + [1] * 4 + [-1] * 4 + [2] * 30, [0] * 10 + [1] * 40)
    assert (said["share_position"], said["share_text"], said["constant"]) == (0.6, 0.6, False)
    assert said["entropy"] == pytest.approx(-(0.6 * np.log(0.6) + 0.2 * np.log(0.2) * 2))
    assert said["constant_accuracy"] == 0.5  # of the 20 that were answered 10 have the truth first
    assert said["balanced_accuracy"] == pytest.approx((1.0 + 0.4) / 2)


def test_who_writes_one_answer_is_flagged_and_who_writes_none_is_not() -> None:
    always = written([0] * 19 + [-1] + [2] * 3, [0, 1] * 11 + [0])
    assert (always["share_text"], always["constant"]) == (0.95, True)
    others = written([-1] * 20, [0, 1] * 10)  # each a text of its own, as far as is known
    assert (others["share_text"], others["constant"], others["balanced_accuracy"]) == (0, False, 0)
    nothing = written([2] * 20, [0, 1] * 10)
    assert not nothing.pop("constant")
    assert all(np.isnan(value) for value in nothing.values())
    few = written([0] * 5 + [2] * 15, [0, 1] * 10)
    assert (few["share_text"], few["constant"]) == (1, False)

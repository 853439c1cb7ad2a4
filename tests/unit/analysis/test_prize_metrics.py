"""The prize's measures, from rows of its kinds of files, against its definitions written out."""

import numpy as np
import pandas as pd
import pytest

from trajectories.analysis.accuracy import accuracy_rows
from trajectories.analysis.question_metrics import question_metrics
from trajectories.errors import UserError
from trajectories.questions.question import Question
from trajectories.questions.rows import to_questions
from trajectories.questions.task import Task
from trajectories.study.protocol import Protocol


def row(answer: int, classes: object = "[' yes', ' no']") -> dict[str, object]:
    return {"prompt": "Biased.", "other_prompt": "Plain.", "classes": classes, "answer_index": answer}


def scored(questions: list[Question], loglikelihoods: np.ndarray) -> pd.DataFrame:
    rows = [
        {"task": "t", "question": number, "choice": place, "label": label, "loglikelihood": value, "characters": 3}
        for number, question in enumerate(questions)
        for place, (label, value) in enumerate(zip(question.labels, loglikelihoods[number], strict=True))
    ]
    return pd.DataFrame(rows)


def test_log_odds_are_the_prizes() -> None:
    """Log odds of the first class against the second, renormalised; first prompt minus other; turned for answer 1."""
    task = Task(name="t", file="x.csv", layout="logodds")
    questions = to_questions([row(0), row(1), row(1, [" yes", " no"])], task, Protocol())
    assert questions[0].choices == (" yes", " no", " yes", " no")
    assert questions[0].contexts == ("Biased.", "Biased.", "Plain.", "Plain.")
    assert [question.labels for question in questions] == [(1, 0, 1, 0), (0, 1, 0, 1), (0, 1, 0, 1)]
    values = np.random.default_rng(3).normal(-8, 2, (3, 4))
    pairs = values.reshape(3, 2, 2)
    log_p = pairs - np.log(np.exp(pairs).sum(axis=2, keepdims=True))
    odds = log_p[:, :, 0] - log_p[:, :, 1]
    expected = (odds[:, 0] - odds[:, 1]) * [1, -1, -1]
    found = question_metrics(scored(questions, values))
    assert found["logodds"].to_numpy() == pytest.approx(expected)
    assert found["absolute_logodds"].to_numpy() == pytest.approx(np.abs(expected))


def test_only_questions_after_two_prompts_have_log_odds() -> None:
    four = [Question("Which?", (" a", " b", " c", " d"), (0, 1, 0, 0)), Question("Which?", (" a", " b"), (0, 1))]
    table = pd.concat(
        scored([one], np.full((1, len(one.choices)), -2.0)).assign(question=n) for n, one in enumerate(four)
    )
    assert question_metrics(table)["logodds"].isna().all()
    task = Task(name="t", file="x.csv", metric="logodds")
    with pytest.raises(UserError, match="two choices after each of two contexts, which logodds needs"):
        to_questions([{"prompt": "p", "classes": "[' a', ' b']", "answer_index": 0}], task, Protocol())


def test_the_sequence_loss_is_the_mean_of_the_whole_completions_nats() -> None:
    task = Task(name="t", file="x.csv", layout="completion")
    questions = to_questions([{"prompt": "p", "completion": f" {n}"} for n in range(3)], task, Protocol())
    assert task.metric == "sequence_loss"
    summary = accuracy_rows(scored(questions, np.array([[-3.0], [-5.0], [-10.0]])), "m", 1, 1, 1).set_index("metric")
    assert summary.loc["sequence_loss", "value"] == 6
    assert summary.loc["sequence_loss", "stderr"] == pytest.approx(np.std([3, 5, 10], ddof=1) / np.sqrt(3))
    assert summary.loc["perplexity", "value"] == pytest.approx(np.exp(6))

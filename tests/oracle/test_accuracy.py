"""Accuracies from scores, against the evaluation harness's own formulas, question by question."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from support.accuracies import TOKENS_PER_STEP
from trajectories.analysis.accuracy import METRICS, accuracy_rows, question_metrics
from trajectories.errors import UserError
from trajectories.tables import COLUMNS

lm_eval = pytest.importorskip("lm_eval")


def scores_of(lines: list[tuple[str, int, int, int, float, int]]) -> pd.DataFrame:
    return pd.DataFrame(lines, columns=["task", "question", "choice", "label", "loglikelihood", "characters"])


def random_scores(seed: int, questions: int = 300) -> pd.DataFrame:
    """Questions with 2 to 7 choices, several of them true, and log-likelihoods from a coarse grid, so that some tie."""
    rng = np.random.default_rng(seed)
    lines = []
    for task in ("b", "a"):
        for question in range(questions):
            count = int(rng.integers(2, 8))
            labels = np.zeros(count, int)
            labels[rng.choice(count, size=int(rng.integers(1, count)), replace=False)] = 1
            for choice in range(count):
                value = -float(rng.integers(2, 60)) / 4
                lines.append((task, question, choice, int(labels[choice]), value, int(rng.integers(1, 40))))
    return scores_of(lines).sample(frac=1, random_state=seed)


def harness(question: pd.DataFrame) -> dict[str, float]:
    """The harness's result of one multiple-choice question whose gold answers are all true choices."""
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks.truthfulqa.utils import process_results_mc2

    choices = ["x" * size for size in question["characters"]]
    labels = question["label"].tolist()
    task = SimpleNamespace(
        OUTPUT_TYPE="multiple_choice",
        config=SimpleNamespace(process_results=None),
        _config=SimpleNamespace(process_results=None),
        _metric_fn_list={"acc": None, "acc_norm": None},
        multiple_input=False,
        multiple_target=len(labels),
        doc_to_choice=lambda doc: choices,
        doc_to_text=lambda doc: "",
        doc_to_target=lambda doc: [index for index, label in enumerate(labels) if label],
    )
    results = [(value, False) for value in question["loglikelihood"]]
    found = dict(ConfigurableTask.process_results(task, {}, results))
    mc2 = process_results_mc2({"mc2_targets": {"labels": labels}}, results)["acc"]
    return {"accuracy": found["acc"], "accuracy_norm": found["acc_norm"], "mc1": found["acc"], "mc2": float(mc2)}


def test_every_question_agrees_with_the_harness() -> None:
    scores = random_scores(1)
    ours = question_metrics(scores).set_index(["task", "question"])
    for key, question in scores.sort_values("choice").groupby(["task", "question"]):
        for metric, value in harness(question).items():
            assert ours.loc[key, metric] == pytest.approx(value, abs=1e-12), (key, metric)
    assert ours["ties"].sum() > 10


def test_mean_and_standard_error_agree_with_the_harness() -> None:
    from lm_eval.api.metrics import mean, mean_stderr

    scores = random_scores(2)
    questions = question_metrics(scores)
    rows = accuracy_rows(scores, "m", 70_000_000, 4, 4 * TOKENS_PER_STEP).set_index(["task", "metric"])
    for task in ("a", "b"):
        for metric in METRICS:
            values = questions.loc[questions["task"] == task, metric].dropna().tolist()
            assert rows.loc[(task, metric), "value"] == pytest.approx(mean(values), abs=1e-12)
            assert rows.loc[(task, metric), "stderr"] == pytest.approx(mean_stderr(values), abs=1e-12)
            assert rows.loc[(task, metric), "questions"] == len(values)


def test_a_worked_question() -> None:
    """Probabilities 1/2 (false), 1/4 and 1/8 (true): mass on the truth is 3/7."""
    scores = scores_of(
        [("t", 0, 0, 0, math.log(1 / 2), 10), ("t", 0, 1, 1, math.log(1 / 4), 40), ("t", 0, 2, 1, math.log(1 / 8), 1)]
    )
    row = question_metrics(scores).iloc[0]
    assert row["accuracy"] == 0
    assert row["accuracy_norm"] == 1  # -1.386 / 40 beats -0.693 / 10
    assert row["mc2"] == pytest.approx(3 / 7)
    assert row["loss"] == pytest.approx(math.log(7 / 3))
    assert row["margin"] == pytest.approx(math.log(1 / 4) - math.log(1 / 2))


def test_the_first_of_tied_choices_wins_and_the_tie_is_counted() -> None:
    tied = [("t", 0, 0, 0, -1.0, 5), ("t", 0, 1, 1, -1.0, 5), ("t", 1, 0, 1, -1.0, 5), ("t", 1, 1, 0, -1.0, 5)]
    table = question_metrics(scores_of(tied))
    assert table["accuracy"].tolist() == [0, 1]
    assert table["ties"].tolist() == [1, 1]


def test_very_unlikely_choices_keep_their_loss() -> None:
    table = question_metrics(scores_of([("t", 0, 0, 1, -3000.0, 5), ("t", 0, 1, 0, -1000.0, 5)]))
    assert table["loss"].iloc[0] == pytest.approx(2000)


def test_margin_is_missing_where_nothing_is_false() -> None:
    both_true = scores_of([("t", 0, 0, 1, -1.0, 5), ("t", 0, 1, 1, -2.0, 5)])
    assert question_metrics(both_true)["margin"].isna().all()
    rows = accuracy_rows(both_true, "m", 1, 1, 1)
    assert "margin" not in set(rows["metric"])
    assert tuple(rows.columns) == COLUMNS["accuracy"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("t", 0, 1, 1, math.nan, 5), "not a finite number"),
        (("t", 0, 1, 1, -math.inf, 5), "not a finite number"),
        (("t", 0, 1, 1, -1.0, 0), "no characters"),
        (("t", 0, 0, 1, -1.0, 5), "scored twice"),
        (("t", 0, 1, 0, -1.0, 5), "no true choice"),
    ],
)
def test_wrong_scores_are_errors(line: tuple[str, int, int, int, float, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        question_metrics(scores_of([("t", 0, 0, 0, -1.0, 5), line]))

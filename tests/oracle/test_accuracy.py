"""Accuracies from scores, against the evaluation harness's own formulas, question by question."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from support.accuracies import TOKENS_PER_STEP
from trajectories.analysis.accuracy import accuracy_rows
from trajectories.analysis.question_metrics import question_metrics
from trajectories.errors import UserError
from trajectories.study.metrics import METRICS
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


def random_sizes(scores: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Scores with all columns of a scores file: choices of two-byte letters among others, and unconditional scores."""
    rng, n = np.random.default_rng(seed), len(scores)
    return scores.assign(
        tokens=rng.integers(1, 9, n),
        bytes=scores["characters"] + rng.integers(0, scores["characters"] + 1),
        words=1,
        is_greedy=rng.random(n) < 0.2,
        unconditional=-rng.integers(2, 60, n) / 4,
        running=False,
    )


def running_scores(seed: int, texts: int = 40) -> pd.DataFrame:
    """Running texts, and single continuations after them."""
    rng = np.random.default_rng(seed)
    one = pd.DataFrame({"question": np.arange(texts), "choice": 0, "label": 1, "unconditional": np.nan})
    sizes = rng.integers(20, 400, texts)
    text = one.assign(task="text", bytes=sizes, words=sizes // 5, tokens=sizes // 3, running=True)
    word = one.assign(task="word", bytes=rng.integers(2, 9, texts), words=1, tokens=1, running=False)
    table = pd.concat([text, word], ignore_index=True)
    loglikelihood = -table["tokens"] * rng.random(len(table)) * 5
    greedy = rng.random(len(table)) < 0.5
    return table.assign(characters=table["bytes"], loglikelihood=loglikelihood, is_greedy=greedy)


def harness(question: pd.DataFrame) -> dict[str, float]:
    """The harness's result of one multiple-choice question whose gold answers are all true choices."""
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks.truthfulqa.utils import process_results_mc2

    narrow = 2 * question["characters"] - question["bytes"]
    choices = ["x" * n + "é" * (size - n) for n, size in zip(narrow, question["characters"], strict=True)]
    labels = question["label"].tolist()
    task = SimpleNamespace(
        OUTPUT_TYPE="multiple_choice",
        config=SimpleNamespace(process_results=None),
        _config=SimpleNamespace(process_results=None),
        _metric_fn_list=dict.fromkeys(("acc", "acc_norm", "acc_bytes", "exact_match")),
        multiple_input=False,
        multiple_target=len(labels),
        doc_to_choice=lambda doc: choices,
        doc_to_text=lambda doc: "",
        doc_to_target=lambda doc: [index for index, label in enumerate(labels) if label],
    )
    results = list(zip(question["loglikelihood"], question["is_greedy"], strict=True))
    found = dict(ConfigurableTask.process_results(task, {}, results))
    alone = list(zip(question["unconditional"], question["is_greedy"], strict=True))
    task._metric_fn_list = {"acc_mutual_info": None}
    task.multiple_target, task.doc_to_target = 0, lambda doc: int(np.argmax(labels))
    pmi = dict(ConfigurableTask.process_results(task, {}, [*results, *alone]))["acc_mutual_info"]
    mc2 = process_results_mc2({"mc2_targets": {"labels": labels}}, results)["acc"]
    return {
        "accuracy": found["acc"], "accuracy_norm": found["acc_norm"], "accuracy_bytes": found["acc_bytes"],
        "mc1": found["acc"], "mc2": float(mc2), "greedy": found["exact_match"],
        **({"accuracy_pmi": pmi} if sum(labels) == 1 else {}),  # the harness compares with one gold answer
    }  # fmt: skip


def test_every_question_agrees_with_the_harness() -> None:
    scores = random_sizes(random_scores(1), 1)
    ours = question_metrics(scores).set_index(["task", "question"])
    for key, question in scores.sort_values("choice").groupby(["task", "question"]):
        for metric, value in harness(question).items():
            assert ours.loc[key, metric] == pytest.approx(value, abs=1e-12), (key, metric)
    assert ours["ties"].sum() > 10


def test_mean_and_standard_error_agree_with_the_harness() -> None:
    from lm_eval.api.metrics import mean, mean_stderr

    scores = random_sizes(random_scores(2), 2)
    questions = question_metrics(scores)
    rows = accuracy_rows(scores, "m", 70_000_000, 4, 4 * TOKENS_PER_STEP).set_index(["task", "metric"])
    means = [name for name, record in METRICS.items() if not record.weight and not record.geometric]
    means = [name for name in means if name != "accuracy_balanced" and questions[name].notna().any()]
    assert {"accuracy", "accuracy_norm", "accuracy_bytes", "mc2", "loss", "greedy"} <= set(means)
    for task in ("a", "b"):
        for metric in means:
            values = questions.loc[questions["task"] == task, metric].dropna().tolist()
            assert rows.loc[(task, metric), "value"] == pytest.approx(mean(values), abs=1e-12)
            assert rows.loc[(task, metric), "stderr"] == pytest.approx(mean_stderr(values), abs=1e-12)
            assert rows.loc[(task, metric), "questions"] == len(values)


def test_texts_and_continuations_agree_with_the_harness() -> None:
    from lm_eval.api.metrics import bits_per_byte, mean, perplexity, weighted_perplexity

    scores = running_scores(3)
    rows = accuracy_rows(scores, "m", 1, 1, 1).set_index(["task", "metric"])["value"]
    text, word = (scores[scores["task"] == task] for task in ("text", "word"))
    of_bytes, of_words = (list(zip(text["loglikelihood"], text[size], strict=True)) for size in ("bytes", "words"))
    assert rows["text", "bits_per_byte"] == pytest.approx(bits_per_byte(of_bytes), rel=1e-12)
    assert rows["text", "word_perplexity"] == pytest.approx(weighted_perplexity(of_words), rel=1e-12)
    assert rows["word", "perplexity"] == pytest.approx(perplexity(word["loglikelihood"].tolist()), rel=1e-12)
    assert rows["word", "greedy"] == pytest.approx(mean(word["is_greedy"].tolist()))
    assert set(rows["text"].index) == {"bits_per_byte", "word_perplexity"}
    assert set(rows["word"].index) == {"bits_per_byte", "perplexity", "greedy", "sequence_loss"}


@pytest.mark.parametrize("metric", [name for name, record in METRICS.items() if record.weight or record.geometric])
def test_standard_errors_of_weighted_and_geometric_means_agree_with_the_bootstrap(metric: str) -> None:
    scores = running_scores(4, texts=400)
    task = "word" if metric == "perplexity" else "text"
    row = accuracy_rows(scores, "m", 1, 1, 1).set_index(["task", "metric"]).loc[(task, metric)]
    questions = question_metrics(scores).query("task == @task")
    record, rng = METRICS[metric], np.random.default_rng(5)
    weights = questions[record.weight].to_numpy() if record.weight else np.ones(len(questions))
    drawn = rng.integers(len(questions), size=(4000, len(questions)))
    means = np.average(questions[metric].to_numpy()[drawn], weights=weights[drawn], axis=1)
    assert np.std([record.of_mean(mean) for mean in means]) == pytest.approx(row["stderr"], rel=0.08)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("tokens", ["accuracy_tokens"]),
        ("bytes", ["accuracy_bytes", "bits_per_byte"]),
        ("is_greedy", ["greedy"]),
        ("unconditional", ["accuracy_pmi"]),
    ],
)
def test_a_metric_is_missing_where_its_column_is(column: str, expected: list[str]) -> None:
    scores = random_sizes(random_scores(6, questions=20), 6)
    whole, without = question_metrics(scores), question_metrics(scores.drop(columns=column))
    assert [name for name in METRICS if without[name].isna().all() and not whole[name].isna().all()] == expected


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

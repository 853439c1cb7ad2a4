"""The first sentences of the page: counts of verdicts, and what is missing."""

import pandas as pd
import pytest

from support.made_report import made_accuracy, made_checkpoints
from trajectories.analysis.trends import trends_table
from trajectories.analysis.verdicts import CONSTANT
from trajectories.report.left_out import left_out
from trajectories.report.summary import summary

NAMES = {"a": "Task A", "b": "Task B", "c": "Task C", "d": "Task D"}
QUIET = ("nowhere significant", 0.5, 0.1)


def made(tokens: dict[str, tuple[str, float, float]], interaction: str = "not significant") -> dict[str, pd.DataFrame]:
    """Return tables in which each task has (verdict, corrected p, coefficient) of tokens, and size does nothing."""
    rows = [
        {"task": task, "metric": "accuracy", "term": term, "verdict": verdict, "p_fdr": p, "beta": beta, "reason": ""}
        for task, given in tokens.items()
        for term, (verdict, p, beta) in (
            ("parameters", QUIET), ("tokens", given), ("interaction", (interaction, 0.001, -0.2))
        )
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    return {"regression": table.drop(columns="verdict"), "survival": table}


def test_every_task_is_in_one_count() -> None:
    tables = made({
        "a": ("holds", 0.001, -0.5), "b": ("holds", 0.001, 0.5), "c": ("lost", 0.01, -0.5), "d": (CONSTANT, 0.001, 0.5),
    })  # fmt: skip
    first, size, rest = summary(tables, NAMES, 0.05)
    assert first == "Of 4 tasks, 1 (Task A) gets worse and 1 (Task B) gets better with training."
    assert size == "Of size no effect is sure."
    assert "does not survive the checks on 1 (Task C)" in rest
    assert "nothing can be said of 1 (Task D)" in rest


def test_nothing_significant_is_said_too() -> None:
    tables = made({"a": QUIET, "b": QUIET})
    excluded = pd.DataFrame(
        {"task": ["a", "b"], "term": "tokens", "outcome": ["no effect beyond ±2 points", "undecided"]}
    )
    first, _, rest = summary(tables | {"effects": excluded}, NAMES, 0.05)
    assert first == "Of 2 tasks, none surely gets better or worse with training."
    assert rest == (
        "An effect of training worth speaking of is excluded on 1 (Task A); the data decide nothing on 1 (Task B)."
    )


def test_what_table_1_finds_and_too_few_sizes_leave_open_is_told() -> None:
    """The pocket suite has four sizes: most of what it shows no check can confirm, and that is not nothing."""
    tables = made({
        "a": ("cannot tell", 0.001, -0.5), "b": ("cannot tell", 0.001, 0.5), "c": QUIET, "d": ("holds", 0.001, -0.5),
    })  # fmt: skip
    first, second, _, rest = summary(tables, NAMES, 0.05)
    assert first == "Of 4 tasks, 1 (Task D) gets worse with training."
    assert second == (
        "In Table 1, 1 (Task A) gets worse and 1 (Task B) gets better with training; with so few sizes no check can "
        "confirm or refute it."
    )
    assert rest == "The data decide nothing on 1 (Task C)."


def test_curves_that_end_below_their_best_are_told() -> None:
    drops = pd.DataFrame({"task": ["a", "a", "b", "c"], "drop_p_fdr": [0.001, 0.01, 0.2, None]})
    told = summary(made({"a": QUIET, "b": QUIET}) | {"trends": drops}, NAMES, 0.05)
    assert "In trends.tsv, 2 of 3 curves of single models end surely worse than at their best, on 1 (Task A)." in told
    everywhere = pd.DataFrame({"task": list("abcdefgh"), "drop_p_fdr": 0.001})
    told = summary(made(dict.fromkeys("abcdefgh", QUIET)) | {"trends": everywhere}, NAMES, 0.05)
    assert "In trends.tsv, 8 of 8 curves of single models end surely worse than at their best, on 8 tasks." in told
    quiet = summary(made({"a": QUIET, "b": QUIET}) | {"trends": drops.assign(drop_p_fdr=0.5)}, NAMES, 0.05)
    assert not any("at their best" in sentence for sentence in quiet)


def test_without_checks_it_is_table_1_that_speaks() -> None:
    tables = made({"a": ("", 0.001, -0.5), "b": ("", 0.5, 0.1)})
    first = summary({"regression": tables["regression"]}, NAMES, 0.05)[0]
    assert first.startswith("In Table 1, which no check has been asked about: of 2 tasks, 1 (Task A) gets worse")


def test_size_is_told_where_it_adds_to_the_harm() -> None:
    size = summary(made({"a": ("holds", 0.001, -0.5)}, "holds"), NAMES, 0.05)[1]
    assert size == "Size adds to the harm of training, or takes from its use, on 1 (Task A)."


def test_one_model_has_its_trends() -> None:
    accuracy = made_accuracy()
    one = accuracy[accuracy["model"] == "large"]
    regression = pd.DataFrame({"task": ["memo"], "p_fdr": [float("nan")], "reason": ["fewer than two sizes"]})
    trends = trends_table(one, {"memo": "accuracy", "truth": "mc1"})
    first, second = summary({"regression": regression, "trends": trends}, {"memo": "Memo"}, 0.05)
    assert first == "This study allows no regression on size and training (fewer than two sizes)."
    assert second.startswith("Of 2 tasks on which large was followed, ")


@pytest.mark.parametrize(("drop", "said"), [(0, "nothing; every task"), (1, "1 of 30 values are missing")])
def test_missing_values_are_counted(drop: int, said: str) -> None:
    accuracy = made_accuracy().query("metric != 'accuracy_norm'").iloc[drop:]
    assert left_out({"accuracy": accuracy}, {})[0].startswith(said)


def test_what_the_audit_found_is_told() -> None:
    accuracy = made_accuracy()
    told = left_out({"accuracy": accuracy, "checkpoints": made_checkpoints(accuracy)}, {})
    assert any("small step 10 (duplicate-of-step1000)" in text for text in told)

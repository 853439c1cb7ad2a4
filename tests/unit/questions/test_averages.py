"""One value of several tasks."""

import numpy as np
import pandas as pd
import pytest
from lm_eval.api.metrics import aggregate_subtask_metrics, pooled_sample_stderr, unweighted_mean_stderr

from trajectories.questions.average import Average
from trajectories.questions.averages import with_averages
from trajectories.tables import COLUMNS

VALUE, STDERR, SIZE = [0.25, 0.5, 0.75], [0.05, 0.04, 0.03], [12, 40, 7]
TASKS = ("a", "b", "c")


def accuracies(step: int) -> pd.DataFrame:
    rows = [("m", 10, step, 8 * step, task, "accuracy", value + step / 100, error, size)
            for task, value, error, size in zip(TASKS, VALUE, STDERR, SIZE, strict=True)]  # fmt: skip
    return pd.DataFrame([*rows, ("m", 10, step, 8 * step, "a", "mc2", 0.1, 0.1, 12)], columns=list(COLUMNS["accuracy"]))


@pytest.mark.parametrize("weight", ["questions", "tasks"])
def test_value_and_error_are_those_of_the_harness(weight: str) -> None:
    table = with_averages(accuracies(1), [Average.model_validate({"name": "all", "tasks": TASKS, "weight": weight})])
    (row,) = table[table["task"] == "all"].to_dict("records")
    by_size = weight == "questions"
    assert row["metric"] == "accuracy"
    assert row["value"] == pytest.approx(aggregate_subtask_metrics([value + 0.01 for value in VALUE], SIZE, by_size))
    error = pooled_sample_stderr(STDERR, SIZE) if by_size else unweighted_mean_stderr(STDERR)
    assert row["stderr"] == pytest.approx(error)
    assert row["questions"] == sum(SIZE)


def test_each_checkpoint_has_its_own_and_a_metric_that_a_task_lacks_has_none() -> None:
    both = pd.concat([accuracies(1), accuracies(2)], ignore_index=True)
    table = with_averages(both, [Average(name="all", tasks=TASKS), Average(name="first", tasks=("a",))])
    assert table["task"].tolist() == ["a", "b", "c", "a", "all", "first", "first"] * 2
    assert table["step"].tolist() == [1] * 7 + [2] * 7
    assert table.dtypes.equals(both.dtypes)
    assert with_averages(both, []) is both


def test_unknown_sizes_give_no_average_by_size() -> None:
    unknown = accuracies(1).assign(questions=pd.array([12, None, 7, 12], dtype="Int64"))
    table = with_averages(
        unknown, [Average(name="all", tasks=TASKS), Average(name="even", tasks=TASKS, weight="tasks")]
    )
    assert table["task"].tolist() == ["a", "b", "c", "a", "even"]
    assert pd.isna(table["questions"].iloc[-1])
    assert np.isfinite(table["value"].iloc[-1])

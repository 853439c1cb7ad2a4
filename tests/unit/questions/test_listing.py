"""The table of a study's tasks, and what guessing scores on them."""

import json
from pathlib import Path

import numpy as np
import pytest

from trajectories.errors import UserError
from trajectories.questions.listing import chance_level, write_listing
from trajectories.questions.question import Question
from trajectories.questions.stage import write_task
from trajectories.questions.task import Task
from trajectories.study.protocol import Protocol
from trajectories.tables import COLUMNS, read_table

TWO = [Question("", ("a", "b"), (1, 0)), Question("", ("a", "b", "c", "d"), (1, 1, 1, 0))]
ROW = {"prompt": "2 + 2 =", "classes": ["4", "5"], "answer_index": 0}


def test_what_guessing_scores() -> None:
    assert chance_level(TWO, "accuracy") == chance_level(TWO, "mc2") == pytest.approx(5 / 8)
    assert chance_level(TWO, "loss") == pytest.approx(-(np.log(1 / 2) + np.log(3 / 4)) / 2)
    for metric in ("margin", "greedy", "bits_per_byte"):
        assert chance_level(TWO, metric) is None


def listed(folder: Path, task: Task, metric: str) -> dict[str, object]:
    write_task(task=task.canonical(), protocol=Protocol().canonical(), seed=0, output=folder / "t.parquet")
    write_listing(
        tasks=[task.canonical()], metrics=[metric], questions=[folder / "t.parquet"], output=folder / "tasks.tsv"
    )
    table = read_table(folder / "tasks.tsv", "tasks")
    assert tuple(table.columns) == COLUMNS["tasks"]
    return {str(name): value for name, value in table.iloc[0].items()}


def test_a_sample_says_of_how_many(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(ROW | {"prompt": str(n)}) for n in range(20)))
    row = listed(tmp_path, Task(name="t", file=str(tmp_path / "a.jsonl"), sample=5), "accuracy_norm")
    assert (row["questions"], row["available"], row["metric"]) == (5, 20, "accuracy_norm")


def test_a_metric_that_the_questions_do_not_allow_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A text.")
    task = Task.model_validate({"name": "t", "text": {"file": str(tmp_path / "a.txt")}})
    assert listed(tmp_path, task, "bits_per_byte")["source"] == str(tmp_path / "a.txt")
    with pytest.raises(UserError, match=r"statistics\.metrics: t: question 0 is a running text, which"):
        listed(tmp_path, task, "accuracy")
    with pytest.raises(UserError, match="is a running text, which the metric greedy does not take"):
        listed(tmp_path, task, "greedy")

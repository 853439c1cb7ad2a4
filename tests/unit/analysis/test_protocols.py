"""Ways of asking one task, side by side."""

import pandas as pd
import pytest
import yaml

from support.toy import PROJECT
from trajectories.analysis.protocols import protocols_table, with_changes
from trajectories.analysis.ways import matrix
from trajectories.errors import UserError
from trajectories.questions.task import Task
from trajectories.report.grids import grid
from trajectories.report.summary import ways_told
from trajectories.study.config import Study
from trajectories.tables import COLUMNS


def shapes(*rows: tuple[str, str, str, str | None, str | None]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["task", "axis", "group", "two_lines", "aicc"])
    return table.reindex(columns=list(COLUMNS["shapes"]))


def tasks() -> list[Task]:
    records = [
        {"name": "a", "label": "Task A", "generator": "neqa"},
        {"name": "lonely", "generator": "neqa"},
        {"name": "b", "generator": "neqa"},
        {"name": "a1", "of": "a", "generator": "neqa", "shots": 1},
        {"name": "b3", "of": "b", "generator": "neqa", "chain": {"examples": "neqa"}},
        {"name": "a3", "of": "a", "generator": "neqa", "chain": {"examples": "neqa", "count": 1}},
        {"name": "aw", "of": "a", "generator": "neqa", "answer": {"by": "generation"}},
    ]
    return [Task.checked(record, "config") for record in records]


FOUND = shapes(
    ("a", "parameters", "step8", "inverse", "inverse"),
    ("a", "parameters", "step4", "U", "U"),
    ("a", "compute", "all", "positive", "positive"),
    ("a", "tokens", "big", "flat", "flat"),
    ("a", "tokens", "small", "U", "U"),
    ("a1", "parameters", "all", None, None),
    ("a1", "compute", "all", "U", "inverse"),
    ("b3", "compute", "all", "positive", "positive"),
    ("lonely", "compute", "all", "flat", "flat"),
)


def test_a_row_for_each_way_of_tasks_that_are_asked_in_several() -> None:
    table = protocols_table(tasks(), FOUND, "big", 8).set_index("asked")
    assert table.index.tolist() == ["a", "a1", "a3", "aw", "b", "b3"]
    assert table["way"].tolist() == [
        "0-shot", "1-shot", "chain of thought, 1 example", "0-shot, written", "0-shot", "chain of thought, 3 examples",
    ]  # fmt: skip
    assert set(table["label"]) == {"Task A", "b"}
    first = table.loc["a", ["shape", "over_size", "over_training", "over_compute"]].tolist()
    assert first == ["inverse", "inverse", "flat", "positive"]
    assert table.loc["a1", "shape"] == "unsure"
    assert table.loc["b3", "shape"] == "positive"
    assert table.loc["a3", ["shape", "over_size", "over_training", "over_compute"]].isna().all()


def accuracies(**values: tuple[float, float]) -> pd.DataFrame:
    rows = [{"task": task, "metric": "accuracy", "value": v, "stderr": e} for task, (v, e) in values.items()]
    return pd.DataFrame(rows).reindex(columns=list(COLUMNS["accuracy"]))


def test_another_way_is_better_or_worse_where_errors_leave_no_doubt() -> None:
    table = protocols_table(tasks(), FOUND, "big", 8)
    known = accuracies(a=(0.5, 0.03), a1=(0.8, 0.04), a3=(0.1, 0.0), aw=(0.52, 0.04), b=(0.5, 0.05), b3=(0.5, 0.05))
    metrics = dict.fromkeys(table["asked"], "accuracy")
    found = with_changes(table, known, metrics, 0.05).set_index("asked")
    assert found["change"].fillna("").to_dict() == {
        "a": "", "a1": "better", "a3": "worse", "aw": "no sure change", "b": "", "b3": "no sure change",
    }  # fmt: skip
    assert found.loc["a1", ["value", "difference", "stderr"]].tolist() == pytest.approx([0.8, 0.3, 0.05])
    assert found.loc["a1", "p"] == pytest.approx(1.9732e-9, rel=1e-3)  # two-sided, of z = 6
    turned = with_changes(table, known.assign(metric="loss"), dict.fromkeys(metrics, "loss"), 0.05).set_index("asked")
    assert turned.loc[["a1", "a3"], "change"].tolist() == ["worse", "better"]
    apart = with_changes(table, known, metrics | {"a1": "answered"}, 0.05).set_index("asked")
    assert apart.loc[["a1"], ["difference", "change"]].isna().all(axis=None)


def test_sentences_say_which_way_changes_what() -> None:
    table = protocols_table(tasks(), FOUND, "big", 8)
    known = accuracies(a=(0.5, 0.03), a1=(0.8, 0.04), a3=(0.1, 0.0), aw=(0.52, 0.04), b=(0.5, 0.05), b3=(0.5, 0.05))
    changed = with_changes(table, known, dict.fromkeys(table["asked"], "accuracy"), 0.05)
    assert ways_told(changed, {"a": "Task A"}) == [
        "Asked in another way (1-shot), the largest model ends surely better on 1 (Task A) of 1 task.",
        "Asked in another way (chain of thought, 1 example), the largest model ends surely better on none and worse on "
        "1 (Task A) of 1 task.",
        "Asked in another way (0-shot, written), the largest model ends surely better on none and worse on none "
        "of 1 task.",
        "Asked in another way (chain of thought, 3 examples), the largest model ends surely better on none and worse "
        "on none of 1 task.",
    ]
    assert ways_told(None, {}) == []


def test_tasks_of_the_harness_are_told_apart_by_its_shots() -> None:
    harness = {"task": "gsm8k", "yaml": "gsm8k.yaml", "writes": True}
    ways = [
        Task.checked({"name": "g", "harness": harness | told}, "config").way
        for told in ({}, {"shots": 0}, {"shots": 5}, {"shots": 5, "writes": False})
    ]
    assert ways == ["shots of the harness, written", "0-shot, written", "5-shot, written", "5-shot"]


def test_the_matrix_has_a_row_for_each_task_and_colours_shapes() -> None:
    wide = matrix(protocols_table(tasks(), FOUND, "big", 8))
    assert wide["asked"].tolist() == ["Task A", "b"]
    assert wide.columns.tolist()[1:3] == ["0-shot", "1-shot"]
    shown = grid(wide, "ways")
    cells = {(row[0].text, title): cell for row in shown.rows for title, cell in zip(shown.titles, row, strict=True)}
    assert cells["Task A", "0-shot"].style == "worse"
    assert cells["b", "chain of thought, 3 examples"].style == "better"
    assert cells["b", "1-shot"].text == "\u2013"


def test_the_study_asks_the_prize_in_four_ways() -> None:
    study = Study.from_config(yaml.safe_load((PROJECT / "studies" / "wei2022.yaml").read_text()))
    ways = {base: [task.way for task in study.tasks if task.asks == base] for base in {t.asks for t in study.tasks}}
    assert len(ways) == 11
    assert len(ways.pop("prompt_injection")) == 2
    assert {len(set(own)) for own in ways.values()} == {4}
    assert {task.sample for task in study.tasks} == {300}


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"of": "sum", "shots": 1}, "'two' is of 'sum', which is no task of this study; did you mean 'sums'"),
        ({"of": "sums"}, r"'two' asks 'sums' in the same way \(0-shot\) as 'sums'"),
    ],
)
def test_ways_that_do_not_go_together(second: dict[str, object], said: str) -> None:
    tasks = [{"name": "sums", "generator": "neqa", "seed": 1}, {"name": "two", "generator": "neqa", "seed": 1} | second]
    config = yaml.safe_load((PROJECT / "studies" / "wei2022.yaml").read_text()) | {"tasks": tasks}
    with pytest.raises(UserError, match=said):
        Study.from_config(config)

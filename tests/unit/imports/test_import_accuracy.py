import logging
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from trajectories.errors import UserError
from trajectories.imports.accuracy import import_accuracy, place_readings, task_key
from trajectories.imports.harness import read_harness
from trajectories.imports.reading import Reading
from trajectories.study.config import Study
from trajectories.tables import read_table

from .conftest import study_config

Writer = Callable[..., Path]


def reading(**changes: object) -> Reading:
    given = {
        "file": Path("mine.tsv"),
        "model": "org/pocket-1",
        "revision": "step2",
        "task": "neqa",
        "metric": "accuracy",
        "value": 0.5,
    }
    return Reading(**(given | changes))  # type: ignore[arg-type]


def test_numbers_find_their_place(study: Study, v03: Writer) -> None:
    table = place_readings(read_harness(v03()), study)
    assert table[["task", "metric", "value"]].values.tolist() == [
        ["memo_trap", "accuracy", 0.75],
        ["memo_trap", "accuracy_norm", 0.5],
        ["truthfulqa_mc1", "mc1", 0.25],
        ["truthfulqa_mc2", "mc2", 0.4567],
    ]
    assert table[["model", "parameters", "step", "tokens"]].drop_duplicates().values.tolist() == [
        ["pocket-1", 1000, 2, 2000]
    ]
    assert table["questions"].tolist()[:2] == [100, 100], "the unknown count is that of the task's other numbers"


@pytest.mark.parametrize(
    ("model", "revision"),
    [
        ("org/pocket-1", "step8"),
        ("pocket-1", "step8"),
        ("models/pocket-1/step8", None),
        ("elsewhere/pocket-1", "step8"),
    ],
)
def test_a_checkpoint_is_known_by_hub_name_name_or_folder(study: Study, model: str, revision: str | None) -> None:
    table = place_readings([reading(model=model, revision=revision)], study)
    assert table.loc[0, ["model", "step"]].tolist() == ["pocket-1", 8]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"model": "org/pocket-3"}, r"mine\.tsv: model 'org/pocket-3' is not in the study"),
        ({"revision": "step3"}, r"mine\.tsv: names revision 'step3' for model 'pocket-1'"),
        ({"revision": None}, r"mine\.tsv: names no revision for model 'pocket-1'"),
        ({"task": "lambada"}, r"mine\.tsv: task 'lambada' is not in the study.*add it to tasks"),
    ],
)
def test_what_the_study_does_not_name_is_refused(study: Study, changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        place_readings([reading(**changes)], study)


def test_two_files_for_one_checkpoint_are_both_named(study: Study, v03: Writer) -> None:
    folder = v03("one.json").parent
    v03("two.json")
    with pytest.raises(UserError, match=r"'memo_trap' at 'pocket-1' step 2 is in .*one\.json and in .*two\.json"):
        place_readings(read_harness(folder), study)


def test_two_files_with_different_tasks_of_one_checkpoint_are_one(study: Study, v03: Writer) -> None:
    folder = v03("one.json", isp_neqa={"acc": 0.5}).parent
    v03("two.json", isp_memo_trap={"acc": 0.5})
    assert place_readings(read_harness(folder), study)["task"].tolist() == ["memo_trap", "neqa"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("isp_neqa", "neqa"), ("inverse_scaling_hindsight_neglect_10shot", "hindsight_neglect"), ("NeQA", "neqa"),
        ("inverse_scaling_redefine_math", "redefine"), ("memo-trap", "memo_trap"), ("truthfulqa_mc", "truthfulqa"),
        ("truthfulqa_mc2", "truthfulqa"), ("isp_pattern_matching_suppression", "pattern_match_suppression"),
    ],
)  # fmt: skip
def test_tasks_are_known_by_their_harness_names(theirs: str, ours: str) -> None:
    assert task_key(theirs) == task_key(ours)


def test_one_truthfulqa_task_takes_both_metrics(v03: Writer) -> None:
    task = {"name": "truthfulqa", "metric": "mc1", "hub": {"dataset": "a/b"}}
    study = Study.from_config(study_config(tasks=[task]))
    readings = [r for r in read_harness(v03()) if "truth" in r.task]
    assert place_readings(readings, study)[["task", "metric"]].values.tolist() == [
        ["truthfulqa", "mc1"],
        ["truthfulqa", "mc2"],
    ]


def test_import_writes_both_tables_and_warns_of_gaps(
    v03: Writer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = v03().parent
    study = Study.from_config(study_config(**{"import": {"format": "harness-json", "path": str(folder)}}))
    with caplog.at_level(logging.WARNING):
        import_accuracy(study, tmp_path / "accuracy.tsv", tmp_path / "imported.tsv", tmp_path / "fetched.tsv")
    assert "13 accuracies of the study are in no file, the first: pocket-1 step 2 neqa" in caplog.text
    accuracy = read_table(tmp_path / "accuracy.tsv", "accuracy")
    files = read_table(tmp_path / "imported.tsv", "imported")
    assert len(accuracy) == 4
    assert files["rows"].tolist() == [4]
    assert files["sha256"].str.fullmatch("[0-9a-f]{64}").all()


def test_a_study_without_import_or_path_is_told(tmp_path: Path) -> None:
    outs = (tmp_path / "a", tmp_path / "b", tmp_path / "c")
    with pytest.raises(UserError, match=r"no import section"):
        import_accuracy(Study.from_config(study_config(**{"import": None})), *outs)
    with pytest.raises(UserError, match=r"import\.path: format 'tsv' needs"):
        import_accuracy(Study.from_config(study_config(**{"import": {"format": "tsv"}})), *outs)


def test_the_table_of_readings_is_tidy(study: Study) -> None:
    table = place_readings([reading(questions=None), reading(revision="step8", questions=300)], study)
    assert table["questions"].tolist() == [300, 300]
    assert isinstance(table["stderr"], pd.Series)

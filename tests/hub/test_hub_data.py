"""Data sets on the hub, read with `datasets` at one commit, in every format suites use."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.hub_server import LocalHub
from trajectories.errors import UserError
from trajectories.hub.client import resolve_commit
from trajectories.questions.catalogue import known_tasks
from trajectories.questions.hub_data import read_hub_rows
from trajectories.questions.question import Question
from trajectories.questions.stage import questions_of, write_task
from trajectories.questions.stored import question_metadata, read_questions
from trajectories.questions.task import HubData, Task
from trajectories.study.protocol import PRESETS, Protocol

REPO = "someone/prize"
ROWS: list[dict[str, Any]] = [
    {"prompt": "2 + 2 =", "classes": "[' 4', ' 5']", "answer_index": 0},
    {"prompt": "2 + 3 =", "classes": "[' 4', ' 5']", "answer_index": 1},
]


def parquet(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(rows).to_parquet(buffer)
    return buffer.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


CSV = pd.DataFrame(ROWS).to_csv(index=False).encode()
JSONL = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
FILES = {
    "parquet": {"data/test-00000-of-00001.parquet": parquet(ROWS)},
    "csv": {"test.csv": CSV},
    "jsonl": {"test.jsonl": JSONL},
    "zipped jsonl": {"test.zip": zipped("prize.jsonl", JSONL)},
    "zipped csv": {"test.zip": zipped("prize.csv", CSV)},
}


@pytest.mark.parametrize("form", FILES)
def test_every_format_gives_the_same_rows(data_hub: LocalHub, form: str) -> None:
    commit = data_hub.commit(REPO, "main", FILES[form], kind="datasets")
    data_hub.commit(REPO, "other", {"test.csv": b"prompt\nnothing\n"}, kind="datasets")
    assert read_hub_rows(HubData(dataset=REPO)) == (ROWS, commit)
    assert [fault.times for fault in data_hub.faults] in ([], [0])


def test_a_commit_is_read_though_main_has_moved_on(data_hub: LocalHub) -> None:
    commit = data_hub.commit(REPO, "main", FILES["jsonl"], kind="datasets")
    data_hub.commit(REPO, "main", {"test.jsonl": JSONL + JSONL}, kind="datasets")
    assert len(read_hub_rows(HubData(dataset=REPO, revision=commit))[0]) == 2
    assert len(read_hub_rows(HubData(dataset=REPO, revision=commit[:7]))[0]) == 2
    assert len(read_hub_rows(HubData(dataset=REPO))[0]) == 4
    assert resolve_commit(REPO, commit[:8], "dataset") == commit
    with pytest.raises(UserError, match="0 commits begin like this"):
        resolve_commit(REPO, "0000000", "dataset")


def test_what_is_not_there_is_named(data_hub: LocalHub) -> None:
    data_hub.commit(REPO, "main", FILES["jsonl"], kind="datasets")
    with pytest.raises(UserError, match=r"split 'train': .*test"):
        read_hub_rows(HubData(dataset=REPO, split="train"))
    with pytest.raises(UserError, match=r"config 'hard'.*default"):
        read_hub_rows(HubData(dataset=REPO, config="hard"))
    with pytest.raises(UserError, match="no such repository"):
        read_hub_rows(HubData(dataset="someone/else"))
    with pytest.raises(UserError, match="no such revision"):
        read_hub_rows(HubData(dataset=REPO, revision="v2"))


def test_a_gated_data_set_says_so(data_hub: LocalHub) -> None:
    data_hub.commit(REPO, "main", FILES["jsonl"], kind="datasets")
    data_hub.repos["datasets", REPO].gated = True
    with pytest.raises(UserError, match="gated"):
        read_hub_rows(HubData(dataset=REPO))


def test_damaged_files_are_refused(data_hub: LocalHub) -> None:
    data_hub.commit(REPO, "main", {"test.parquet": parquet(ROWS)[:-20]}, kind="datasets")
    with pytest.raises(UserError, match=r"^data set someone/prize at"):
        read_hub_rows(HubData(dataset=REPO))


def test_questions_with_their_origin(data_hub: LocalHub, tmp_path: Path) -> None:
    commit = data_hub.commit(REPO, "main", FILES["csv"], kind="datasets")
    task, output = Task(name="sums", hub=HubData(dataset=REPO), questions=2), tmp_path / "sums.parquet"
    write_task(task=task.canonical(), protocol=Protocol().canonical(), seed=0, output=output)
    assert read_questions(output) == [
        Question("2 + 2 =", (" 4", " 5"), (1, 0)), Question("2 + 3 =", (" 4", " 5"), (0, 1)),
    ]  # fmt: skip
    assert json.loads(question_metadata(output)["origin"]) == {"dataset": REPO, "commit": commit}


def test_worked_examples_come_after_the_preamble_and_before_the_question(data_hub: LocalHub) -> None:
    data_hub.commit(REPO, "main", FILES["csv"], kind="datasets")
    task = Task(name="sums", hub=HubData(dataset=REPO), shots=1, preamble="truthfulqa", context="\n\n{{prompt}}")
    (first, _), _ = questions_of(task, PRESETS["paper"])
    assert first.context.endswith("Barcelona, Spain.\n\n2 + 3 =  5\n\n\n\n\n2 + 2 =")


def test_a_missing_column_and_a_wrong_count_are_refused(data_hub: LocalHub) -> None:
    data_hub.commit(REPO, "main", FILES["csv"], kind="datasets")
    wrong = Task(name="sums", hub=HubData(dataset=REPO), context="{{text}}")
    with pytest.raises(
        UserError, match=r"task sums, row 0: 'text' is undefined \(in '{{text}}'\); its columns are prompt"
    ):
        questions_of(wrong, Protocol())
    with pytest.raises(UserError, match="has 2 questions, its record says 817"):
        questions_of(Task(name="sums", hub=HubData(dataset=REPO), questions=817), Protocol())


def split(targets: dict[str, int]) -> dict[str, list[Any]]:
    return {"choices": list(targets), "labels": list(targets.values())}


def test_truthfulqa_is_what_the_harness_asks(data_hub: LocalHub, shared_data: Path) -> None:
    """Context and choices of all 817 questions against the evaluation harness's own templates."""
    lm_eval = pytest.importorskip("lm_eval")
    import jinja2
    import yaml

    rows = json.loads((shared_data / "truthfulqa/mc_task.json").read_text())
    hub_rows = [
        {"question": row["question"]}
        | {
            key: {"choices": list(row[key]), "labels": list(row[key].values())}
            for key in ("mc1_targets", "mc2_targets")
        }
        for row in rows
    ]
    name = "truthfulqa/truthful_qa"
    files = {"multiple_choice/validation-00000-of-00001.parquet": parquet(hub_rows),
             "README.md": b"---\nconfigs:\n- config_name: multiple_choice\n  data_files:\n  - split: validation\n"
                          b"    path: multiple_choice/validation-*\n---\n"}  # fmt: skip
    commit = data_hub.commit(name, "main", files, kind="datasets")
    template = Path(lm_eval.__file__).parent / "tasks/truthfulqa/truthfulqa_mc1.yaml"
    asked = jinja2.Template(yaml.safe_load(template.read_text())["doc_to_text"])
    for key in ("mc1", "mc2"):
        task = known_tasks()[f"truthfulqa_{key}"]
        task = task.model_copy(update={"hub": task.hub.model_copy(update={"revision": commit})})  # type: ignore[union-attr]
        questions, _ = questions_of(task, PRESETS["harness"])
        assert [question.context for question in questions] == [asked.render(**row) for row in hub_rows]
        assert [question.choices for question in questions] == [tuple(row[f"{key}_targets"]) for row in rows]
        assert [question.labels for question in questions] == [tuple(row[f"{key}_targets"].values()) for row in rows]


@pytest.mark.parametrize(
    ("where", "fault"),
    [(where, fault) for where in ("/revision/", "/tree/", "/resolve/") for fault in (429, 500, 503, "cut")]
    + [("/resolve/", "flip")],
)
def test_a_bad_day_is_waited_out(data_hub: LocalHub, waits: list[float], where: str, fault: int | str) -> None:
    commit = data_hub.commit(REPO, "main", FILES["csv"], kind="datasets")
    data_hub.fail(where, fault, times=1 if fault == "flip" else 2, Retry_After="1")
    assert read_hub_rows(HubData(dataset=REPO)) == (ROWS, commit)
    assert [fault.times for fault in data_hub.faults] in ([], [0])


def test_a_file_that_stays_wrong_is_refused(data_hub: LocalHub, waits: list[float]) -> None:
    data_hub.commit(REPO, "main", FILES["csv"], kind="datasets")
    data_hub.fail("/resolve/", "flip", times=100)
    with pytest.raises(UserError, match=r"test.csv: arrives with other contents"):
        read_hub_rows(HubData(dataset=REPO))


def test_a_name_that_leaves_the_folder_is_refused(data_hub: LocalHub) -> None:
    data_hub.commit(REPO, "main", {"data/../../evil.csv": CSV}, kind="datasets")
    with pytest.raises(UserError, match=r"'\.\.' is not a plain file name"):
        read_hub_rows(HubData(dataset=REPO))

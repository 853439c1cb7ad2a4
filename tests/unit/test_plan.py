"""The plan: counted against the questions by hand, and against the store."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.models import tokenizer
from trajectories.checkpoints.rates import BESIDE, DEVICES, REACHED, find_device, forward_seconds, reached, recognised
from trajectories.errors import UserError
from trajectories.jobs.plan import COLUMNS, write_plan
from trajectories.jobs.store import Identity, Store
from trajectories.questions.question import Question
from trajectories.scoring.encode import encode
from trajectories.scoring.requests import requests_metadata, write_requests
from trajectories.study.checkpoints import Checkpoints
from trajectories.study.protocol import Protocol
from trajectories.study.sections import Plan, Scoring
from trajectories.tables import COLUMNS as TABLES
from trajectories.tables import read_table, write_table

QUESTIONS = {
    "one": [Question("The sky is", (" blue", " wide"), (1, 0))],
    "two": [
        Question("The sea is", (" blue", " wide"), (0, 1)),
        Question("Two plus two is", (" four", " five"), (1, 0)),
    ],
}


def row(model: str, step: int, size: int, **changes: Any) -> dict[str, Any]:
    files = {"config.json": "git:1", "model.safetensors": f"{model}{step}"}
    sizes = {"config.json": 10, "model.safetensors": size}
    return {
        "model": model, "parameters": 1000, "step": step, "tokens": step, "source": f"hub:a/{model}",
        "revision": f"step{step}", "commit": f"{model}-{step}", "format": "safetensors", "bytes": size + 10,
        "files": json.dumps(files), "sizes": json.dumps(sizes), "status": "ok", "detail": "", "shared": None,
        "used": True,
    } | changes  # fmt: skip


@pytest.fixture
def study(tmp_path: Path) -> Path:
    rows = [row("a", 1, 10**9), row("a", 2, 10**9), row("b", 1, 3 * 10**9), row("b", 2, 10**9, used=False)]
    rows.append(row("b", 4, 0, status="missing", used=False, format=None, source="hub:a/b"))
    write_table(pd.DataFrame(rows)[list(TABLES["checkpoints"])], tmp_path / "checkpoints.tsv", "checkpoints")
    requests = encode(QUESTIONS, {"one": "", "two": ""}, tokenizer(), Protocol())
    write_requests(requests, tmp_path / "tree.safetensors", {})
    return tmp_path


def plan(folder: Path, device: str | None = "A100", dtype: str = "float16", **checkpoints: Any) -> pd.DataFrame:
    sections = {
        "protocol": Protocol().model_dump(), "scoring": Scoring(dtype=dtype).model_dump(),  # type: ignore[arg-type]
        "checkpoints": Checkpoints(**checkpoints).model_dump(), "plan": Plan(device=device).model_dump(),
    }  # fmt: skip
    path = str(folder / "tree.safetensors")
    write_plan(
        checkpoints=folder / "checkpoints.tsv", requests={"a": [path], "b": [path]}, study=json.dumps(sections),
        store=folder / "store", limit=2, sizes={"a": 2, "b": 2}, output=folder / "plan.tsv",
    )  # fmt: skip
    return read_table(folder / "plan.tsv").set_index("model")


def input_tokens(task: str) -> tuple[int, set[tuple[int, ...]]]:
    """Count by hand: tokens of each row but its last, and the distinct prefixes among them."""
    ids = [
        tokenizer()(question.context + choice)["input_ids"][:-1]
        for question in QUESTIONS[task]
        for choice in question.choices
    ]
    return sum(map(len, ids)), {tuple(row[: end + 1]) for row in ids for end in range(len(row))}


def done(folder: Path, commit: str, task: str) -> None:
    digests = json.loads(requests_metadata(folder / "tree.safetensors")["digests"])
    path = Store(folder / "store").path(Identity(commit, digests[task], "float16", "float32"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_nothing_done(study: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    table = plan(study)
    assert ["model", *table.columns] == list(COLUMNS)
    rows = sum(input_tokens(task)[0] for task in QUESTIONS)
    tree = len(input_tokens("one")[1] | input_tokens("two")[1])
    assert tree < rows
    assert list(table[["checkpoints", "done", "to_do", "left_out"]].loc["a"]) == [2, 0, 2, 0]
    assert list(table[["checkpoints", "done", "to_do", "left_out"]].loc["b"]) == [1, 0, 1, 2]
    assert list(table["row_tokens"]) == [2 * rows, rows]
    assert list(table["tree_tokens"]) == [2 * tree, tree]
    assert list(table["download_bytes"]) == [2 * (10**9 + 10), 3 * 10**9 + 10]
    assert "3 checkpoints to do, 0 done, 2 left out" in caplog.text
    assert "disk: 4.0 GB at most (2 checkpoints at once)" in caplog.text
    assert "download: 5.0 GB, 50 s at 100 MB/s" in caplog.text


def test_what_the_store_holds_is_done(study: Path) -> None:
    for task in QUESTIONS:
        done(study, "a-1", task)
    done(study, "b-1", "two")
    table = plan(study)
    assert list(table["done"]) == [1, 0]
    assert list(table["download_bytes"]) == [10**9 + 10, 3 * 10**9 + 10]
    assert table.loc["b", "row_tokens"] == input_tokens("one")[0]


def test_all_done_costs_nothing(study: Path, caplog: pytest.LogCaptureFixture) -> None:
    for commit in ("a-1", "a-2", "b-1"):
        for task in QUESTIONS:
            done(study, commit, task)
    caplog.set_level("INFO")
    table = plan(study)
    assert not table[["to_do", "download_bytes", "tree_tokens", "seconds"]].any().any()
    assert "0 checkpoints to do, 3 done" in caplog.text


def test_kept_checkpoints_all_lie_on_disk(study: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    plan(study, keep=True)
    assert "disk: 5.0 GB at most (all are kept)" in caplog.text


def test_the_estimate_is_near_what_an_h200_took(project: Path) -> None:
    """For all questions of the paper, which are about two million tokens; four sizes in bfloat16."""
    measured = json.loads((project / "benchmarks" / "results" / "gpu-2026-11-26.json").read_text())["cases"]
    took = {case["shape"]: case["all_seconds"] for case in measured if case["dtype"] == "bfloat16"}
    counts = {"70m": 70e6, "1.4b": 1.4e9, "6.9b": 6.9e9, "12b": 12e9}
    ratios = {
        name: forward_seconds(DEVICES["H200"], int(count), 2_070_000, "bfloat16") / took[name]
        for name, count in counts.items()
    }
    assert ratios == pytest.approx(dict.fromkeys(ratios, 1), rel=0.1)


def test_rates() -> None:
    a100 = find_device("A100")
    beside = 2e6 * BESIDE * (1 / 1.4) ** 0.2 / (REACHED * 312e12)
    assert forward_seconds(a100, 10**9, 10**6, "float16") == pytest.approx(2e15 / (REACHED * 312e12) + beside)
    assert forward_seconds(a100, 10**9, 10**6, "float32") == pytest.approx(2e15 / (REACHED * 19.5e12) + beside)
    assert reached(a100, 10**12, "float16") == pytest.approx(REACHED, rel=0.01)
    assert forward_seconds(DEVICES["CPU"], 10**9, 10**3, "float32") == pytest.approx(2e12 / 0.1e12)
    assert find_device(None).name in DEVICES
    names = {"NVIDIA H200": "H200", "NVIDIA L4": "L4", "NVIDIA L40S": "L40S", "NVIDIA A100-SXM4-80GB": "A100",
             "NVIDIA GeForce RTX 4090": "RTX 4090", "Tesla T4": "T4", "something else": "T4"}  # fmt: skip
    assert {name: recognised(name).name for name in names} == names
    with pytest.raises(UserError, match=r"plan.device: 'A1000'.*did you mean 'A100'"):
        find_device("A1000")

"""Local copies of two of the harness's tasks and a checkpoint folder, for its own command line."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from common.shapes import random_model, shape_of
from common.workloads import pythia_tokenizer
from trajectories.questions.files import read_rows

TASKS = ("truthfulqa_mc1", "truthfulqa_mc2", "memo_trap")
METRICS = [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in ("acc", "acc_norm")]


def write_tasks(folder: Path, data: Path) -> None:
    """Write the YAMLs of `TASKS` and their rows; TruthfulQA's are the harness's own but for the place of the data."""
    import lm_eval

    rows = _lines(folder / "truthfulqa.jsonl", map(_as_on_the_hub, read_rows(data / "truthfulqa" / "mc_task.json")))
    own = Path(lm_eval.__path__[0]) / "tasks" / "truthfulqa"
    for kind in ("mc1", "mc2"):
        name = f"truthfulqa_{kind}"
        _yaml(folder, {"include": str(own / f"{name}.yaml"), "task": name} | _local(rows, "validation"))
    traps = [row for part in sorted((data / "memo_trap").glob("*.csv")) for row in read_rows(part)]
    rows = _lines(folder / "memo_trap.jsonl", traps)
    inverse = {
        "task": "memo_trap", "test_split": "test", "output_type": "multiple_choice", "doc_to_text": "prompt",
        "doc_to_choice": "classes", "doc_to_target": "answer_index", "target_delimiter": "", "metric_list": METRICS,
    }  # fmt: skip
    _yaml(folder, inverse | _local(rows, "test"))


def write_checkpoint(folder: Path, shape: str, data: Path, seed: int) -> None:
    """Write a random model of `shape` and Pythia's tokenizer as an ordinary folder."""
    random_model(shape_of(shape), "float32", "cpu", seed).save_pretrained(folder)
    pythia_tokenizer(data).save_pretrained(folder)


def _as_on_the_hub(row: Mapping[str, Any]) -> dict[str, Any]:
    kinds = ("mc1_targets", "mc2_targets")
    targets = {kind: {"choices": list(row[kind]), "labels": list(row[kind].values())} for kind in kinds}
    return {"question": row["question"]} | targets


def _local(file: Path, split: str) -> dict[str, Any]:
    return {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": {split: str(file)}}}


def _lines(file: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def _yaml(folder: Path, task: Mapping[str, Any]) -> None:
    (folder / f"{task['task']}.yaml").write_text(yaml.safe_dump(dict(task)))

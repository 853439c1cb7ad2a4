"""What is exported is read back to the same bytes."""

import json
from pathlib import Path

import pandas as pd

from trajectories.exports.harness import write_export
from trajectories.imports.accuracy import import_accuracy
from trajectories.study.config import Study
from trajectories.study.metrics import METRICS
from trajectories.tables import read_table, write_table

from .conftest import TASKS, study_config


def test_every_metric_comes_back_byte_for_byte(tmp_path: Path) -> None:
    rows = [
        (model, parameters, step, step * 1000, task, metric, 1.1 + place / 7 if high > 1 else place / 19, 0.01 / 3, 300)
        for model, parameters in (("pocket-1", 1000), ("pocket-2", 9000))
        for step in (2, 8)
        for task in sorted(TASKS)
        for place, (metric, high) in enumerate((record.name, record.high) for record in METRICS.values())
    ]
    columns = ["model", "parameters", "step", "tokens", "task", "metric", "value", "stderr", "questions"]
    ours = tmp_path / "accuracy.tsv"
    write_table(pd.DataFrame(rows, columns=columns), ours, "accuracy")
    folder = tmp_path / "export"
    write_export(Study.from_config(study_config()), ours, folder, tmp_path / "accuracy.parquet")
    assert len(list(folder.rglob("results_step*.json"))) == 4
    again = Study.from_config(study_config(**{"import": {"format": "harness-json", "path": str(folder)}}))
    import_accuracy(again, *(tmp_path / name for name in "abcd"))
    assert (tmp_path / "a").read_bytes() == ours.read_bytes()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "accuracy.parquet"), read_table(ours))
    content = json.loads((folder / "pocket-1" / "results_step2.json").read_text())
    assert content["results"]["truthfulqa_mc2"]["acc,none"] == content["results"]["truthfulqa_mc1"]["mc2,none"]
    assert content["higher_is_better"]["neqa"]["loss"] is False

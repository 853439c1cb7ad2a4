"""Studies of the project from its accuracies to its report on made-up accuracies."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from support.toy import PROJECT, run_toy
from trajectories.study.config import Study
from trajectories.study.metrics import METRICS

STUDIES = ("demo", "prize", "seeds", "small")  # of every kind; the larger ones take many minutes


def made_up(study: Study, file: Path) -> None:
    """Write a value of each metric between 0 and 1 for each cell, a slow curve of its own per task and model."""
    rng = np.random.default_rng(1)
    tables = []
    for model in study.models:
        steps = np.asarray(study.steps_of(model))
        for task in study.tasks:
            way = rng.normal(0, 0.1)
            curve = 0.5 + way * np.log10(steps + 1) / 5 + rng.normal(0, 0.01, len(steps))
            cells = {"model": model.name, "step": steps, "task": task.name, "metric": task.metric}
            tables.append(pd.DataFrame(cells | {"value": curve.clip(0, 1), "stderr": 0.02, "questions": 300}))
    pd.concat(tables).to_csv(file, sep="\t", index=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_has_its_report(name: str, tmp_path: Path) -> None:
    given = yaml.safe_load((PROJECT / "studies" / f"{name}.yaml").read_text())
    study = Study.from_config(given)
    made_up(study, tmp_path / "accuracy.tsv")
    dropped = ("pocket", "compare", "reference")
    config = tmp_path / "study.yaml"
    imported = {"import": {"format": "tsv", "path": "accuracy.tsv"}}
    config.write_text(yaml.safe_dump({key: value for key, value in given.items() if key not in dropped} | imported))
    done: subprocess.CompletedProcess[str] = run_toy(config)
    assert done.returncode == 0, done.stdout + done.stderr
    results = tmp_path / "results" / study.study
    regression = pd.read_csv(results / "regression.tsv", sep="\t")
    assert set(regression["task"]) == {task.name for task in study.tasks}
    assert {task.metric for task in study.tasks} <= set(METRICS)
    assert len(pd.read_csv(results / "accuracy.tsv", sep="\t")) == sum(
        len(study.steps_of(model)) * len(study.tasks) for model in study.models
    )
    assert (results / "figures" / "accuracy.pdf").stat().st_size > 0
    assert (results / "report.html").stat().st_size > 0

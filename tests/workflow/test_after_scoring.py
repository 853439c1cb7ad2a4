"""Every study of the project from its accuracies to its report, on made-up accuracies."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from support.toy import PROJECT, run_toy
from trajectories.study.config import Study

STUDIES = sorted([PROJECT / "config.yaml", *(PROJECT / "studies").glob("*.yaml")])
FEWEST_STEPS, MOST_STEPS, MOST_CELLS = 4, 8, 2000  # models and tasks are all kept
NEEDS_MORE = ("pocket", "compare", "reference")  # a suite that is trained first, other results to compare with


def made_up(study: Study, file: Path) -> int:
    """Write a value of each metric between 0 and 1 for each cell, a slow curve of its own per task and model.

    Returns the number of cells.
    """
    rng = np.random.default_rng(1)
    tables = []
    for model in study.models:
        steps = np.asarray(study.steps_of(model))
        for task in study.tasks:
            way = rng.normal(0, 0.1)
            curve = 0.5 + way * np.log10(steps + 1) / 5 + rng.normal(0, 0.01, len(steps))
            cells = {"model": model.name, "step": steps, "task": task.name, "metric": study.metric_of(task)}
            tables.append(pd.DataFrame(cells | {"value": curve.clip(0, 1), "stderr": 0.02, "questions": 300}))
    whole = pd.concat(tables)
    whole.to_csv(file, sep="\t", index=False)
    return len(whole)


def thinned(config: dict[str, Any]) -> dict[str, Any]:
    """Return a study's config with few of its steps, first and last among them; fewest where trajectories are many."""
    study = Study.from_config(config)
    count = np.clip(MOST_CELLS // (len(study.models) * len(study.tasks)), FEWEST_STEPS, MOST_STEPS)
    steps = study.steps
    kept = np.unique(np.linspace(0, len(steps) - 1, count).astype(int))
    return config | {"steps": [steps[place] for place in kept]}


@pytest.mark.slow
@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_a_study_has_its_report(file: Path, tmp_path: Path) -> None:
    given = thinned(yaml.safe_load(file.read_text()))
    study = Study.from_config(given)
    cells = made_up(study, tmp_path / "accuracy.tsv")
    config = tmp_path / "study.yaml"
    imported = {"import": {"format": "tsv", "path": "accuracy.tsv"}}
    config.write_text(yaml.safe_dump({key: value for key, value in given.items() if key not in NEEDS_MORE} | imported))
    done = run_toy(config, timeout=3600)  # the largest, where others work beside
    assert done.returncode == 0, done.stdout + done.stderr
    results = tmp_path / "results" / study.study
    regression = pd.read_csv(results / "regression.tsv", sep="\t")
    assert set(regression["task"]) == {thing.name for thing in study.shown}
    assert len(pd.read_csv(results / "accuracy.tsv", sep="\t")) == cells
    page = (results / "report.html").read_text(encoding="utf-8")
    for name in ("accuracy", "coefficients", "surface", "models"):
        assert (results / "figures" / f"{name}.pdf").read_bytes().startswith(b"%PDF"), name
    assert all(model.name in page for model in study.models)

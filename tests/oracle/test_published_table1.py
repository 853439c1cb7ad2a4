"""The paper's Table 1, cell by cell, from the published accuracies through both of their file formats."""

from pathlib import Path

import pandas as pd
import pytest

from support.imports import placed, read_harness, read_tidy
from trajectories.analysis.regression import regression_table
from trajectories.analysis.table1 import table1
from trajectories.imports.published import published_file
from trajectories.study.config import Study

MODELS = {
    "pythia-70m": 70e6, "pythia-160m": 160e6, "pythia-410m": 410e6, "pythia-1b": 1e9,
    "pythia-1.4b": 1.4e9, "pythia-2.8b": 2.8e9, "pythia-6.9b": 6.9e9, "pythia-12b": 12e9,
}  # fmt: skip
STEPS = [2000, 4000, 8000, 16000, 32000, 64000, 128000, 143000]

# Task: (t, corrected p) for parameters, tokens and their interaction, as printed; 0.001 stands for "<0.001".
PRINTED = {
    "hindsight_neglect": ((-4.22, 0.001), (-4.69, 0.001), (-2.88, 0.012)),
    "into_the_unknown": ((-0.31, 0.824), (2.04, 0.079), (0.02, 0.986)),
    "memo_trap": ((-10.05, 0.001), (-11.34, 0.001), (-9.71, 0.001)),
    "modus_tollens": ((-0.16, 0.927), (-2.13, 0.071), (-1.5, 0.208)),
    "neqa": ((0.79, 0.559), (-0.08, 0.963), (2.45, 0.034)),
    "pattern_matching_suppression": ((-3.2, 0.005), (-9.58, 0.001), (-6.37, 0.001)),
    "redefine": ((0.6, 0.645), (-0.79, 0.559), (-1.53, 0.205)),
    "repetitive_algebra": ((-0.49, 0.706), (-2.11, 0.071), (-1, 0.443)),
    "resisting_correction": ((5.13, 0.001), (5.63, 0.001), (-1.89, 0.104)),
    "sig_figs": ((-0.59, 0.645), (-0.74, 0.574), (-1.46, 0.215)),
    "truthfulqa_mc1": ((-10.9, 0.001), (-11.45, 0.001), (-2.97, 0.01)),
    "truthfulqa_mc2": ((-24.72, 0.001), (-23.89, 0.001), (-12.02, 0.001)),
}


def printed(t: float, p: float) -> str:
    return f"t(60)={t:g}, " + ("p<0.001" if p == 0.001 else f"p={p:g}")


def papers_study() -> Study:
    metric = {"truthfulqa_mc1": "mc1", "truthfulqa_mc2": "mc2"}
    return Study.from_config(
        {
            "study": "published",
            "models": [{"name": name, "parameters": count} for name, count in MODELS.items()],
            "steps": STEPS,
            "tasks": [
                {"name": name, "metric": metric.get(name, "accuracy"), "hub": {"dataset": "a/b"}} for name in PRINTED
            ],
            "import": {"format": "published"},
        }
    )


@pytest.mark.parametrize("source", ["lm_eval_json", "accuracy.tsv"])
def test_all_36_cells_to_the_printed_digit(shared_data: Path, tmp_path: Path, source: str) -> None:
    study = papers_study()
    folder = shared_data / "published"
    read = (
        read_harness(folder / source)
        if source == "lm_eval_json"
        else read_tidy(published_file(folder, tmp_path / "unused"))
    )
    accuracy, _ = placed(read, study)
    regression = regression_table(accuracy, {task.name: study.metric_of(task) for task in study.tasks})
    cells = table1(regression, {}).set_index("task")[["parameters", "tokens", "interaction"]]
    expected = pd.DataFrame(
        {task: [printed(*cell) for cell in row] for task, row in PRINTED.items()}, index=cells.columns
    ).T
    assert cells.loc[list(PRINTED)].to_dict() == expected.to_dict()
    assert expected.size == 36

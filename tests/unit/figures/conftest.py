from pathlib import Path

import pandas as pd
import pytest

from trajectories.tables import write_table

SIZES = {"tiny": 1_000, "small": 30_000, "large": 900_000}
STEPS = (0, 1, 10, 100)


@pytest.fixture
def accuracy() -> pd.DataFrame:
    """Three models, four steps (step 0 among them), two tasks, one of them with two metrics."""
    rows = [
        {
            "model": model, "parameters": size, "step": step, "tokens": step * 1000, "task": task, "metric": metric,
            "value": 0.3 + 0.1 * place + 0.002 * step, "stderr": 0.02, "questions": 50,
        }
        for place, (model, size) in enumerate(SIZES.items())
        for step in STEPS
        for task, metric in (("memo", "accuracy"), ("truth", "mc1"), ("truth", "mc2"))
    ]  # fmt: skip
    return pd.DataFrame(rows).sample(frac=1, random_state=3)


@pytest.fixture
def accuracy_file(accuracy: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "accuracy.tsv"
    write_table(accuracy, path, "accuracy")
    return path

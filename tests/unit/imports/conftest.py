import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trajectories.study.config import Study

TASKS = {"memo_trap": "accuracy", "neqa": "accuracy", "truthfulqa_mc1": "mc1", "truthfulqa_mc2": "mc2"}


def study_config(**changes: Any) -> dict[str, Any]:
    """Return a study of two models, two steps and four tasks that imports its accuracies."""
    tasks = [{"name": name, "metric": metric, "hub": {"dataset": "a/b"}} for name, metric in TASKS.items()]
    return {
        "study": "imported",
        "checkpoints": {"hub": "org/{model}", "tokens_per_step": 1000},
        "models": [{"name": "pocket-1", "parameters": 1000}, {"name": "pocket-2", "parameters": 9000}],
        "steps": [2, 8],
        "tasks": tasks,
        "import": {"format": "harness-json", "path": "results"},
    } | changes


@pytest.fixture
def study() -> Study:
    return Study.from_config(study_config())


@pytest.fixture
def v03(tmp_path: Path) -> Callable[..., Path]:
    """Write a v0.3 result file; keywords replace parts of it."""

    def write(
        name: str = "pocket-1_step2.json", model_args: str = "pretrained=org/pocket-1,revision=step2", **results: Any
    ) -> Path:
        rows = results or {
            "isp_memo_trap": {
                "acc": 0.75,
                "acc_stderr": (0.75 * 0.25 / 99) ** 0.5,
                "acc_norm": 0.5,
                "acc_norm_stderr": 0.05,
            },
            "truthfulqa_mc": {"mc1": 0.25, "mc1_stderr": 0.04, "mc2": 0.4567, "mc2_stderr": 0.01},
        }
        file = tmp_path / "results" / name
        file.parent.mkdir(exist_ok=True)
        content = {
            "results": rows,
            "versions": dict.fromkeys(rows, 0),
            "config": {"model": "hf", "model_args": model_args, "limit": None},
        }
        file.write_text(json.dumps(content))
        return file

    return write

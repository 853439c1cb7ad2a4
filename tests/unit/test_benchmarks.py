"""The benchmark commands work, and the sums behind their tables are right."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def benchmark_environment(project: Path) -> dict[str, str]:
    path = os.pathsep.join(str(project / part) for part in ("workflow/scripts", "benchmarks"))
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def test_the_gpu_command_runs_dry(project: Path, tmp_path: Path, benchmark_environment: dict[str, str]) -> None:
    command = [sys.executable, "benchmarks/gpu.py", "--dry-run", "--results", str(tmp_path)]
    done = subprocess.run(command, cwd=project, env=benchmark_environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (results,) = (json.loads(path.read_text()) for path in tmp_path.glob("*.json"))
    (case,) = results["cases"]
    assert not [found for found in (*case["kernels"].values(), case["harness"]) if "error" in found]
    sums = [kernel["sum_of_scores"] for kernel in case["kernels"].values()]
    assert sums[0] == pytest.approx(sums[1], rel=1e-3)
    assert case["fastest"] in ("sdpa", "flex")
    assert results["loading"]["tiny"] > 0
    assert "dry run" in next(tmp_path.glob("*.md")).read_text()

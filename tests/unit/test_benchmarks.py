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
    assert [found["way"] for found in results["proofs"]] == ["tree", "windows", "plain"]
    assert [one["size"] for one in results["packs"]] == [128]
    assert all(one["sdpa"] > 0 and one["flex"] > 0 for one in results["packs"])
    assert [one["size"] for one in results["pieces"]] == [32]
    assert not results["errors"]
    assert not results["left_out"]
    assert "dry run" in next(tmp_path.glob("*.md")).read_text()


@pytest.fixture
def on_the_path(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(project / "benchmarks"))


@pytest.mark.usefixtures("on_the_path")
def test_operations_are_those_of_the_distinct_prefixes() -> None:
    from common.generated import PAPER, requests_of
    from common.shapes import Shape
    from common.work import tree_operations

    from trajectories.scoring.prefix_tree import build_tree

    requests = requests_of(PAPER[-1], vocabulary=3, seed=1, questions=9)
    prefixes, predicting = set(), set()
    for k in range(len(requests)):
        ids, counted = tuple(requests.ids(k).tolist()), int(requests.counted[k])
        prefixes |= {ids[:length] for length in range(1, len(ids))}
        predicting |= {ids[:length] for length in range(len(ids) - counted, len(ids))}
    found = tree_operations(build_tree(requests), Shape(8, 2, 2, 100))
    assert (found.nodes, found.wanted) == (len(prefixes), len(predicting))
    assert found.linear == 2 * len(prefixes) * 2 * 12 * 64
    assert found.attention == sum(4 * 8 * 2 * len(prefix) for prefix in prefixes)
    assert found.head == 2 * len(predicting) * 8 * 100


@pytest.mark.usefixtures("on_the_path")
def test_padding_counts_the_longest_of_each_batch() -> None:
    from common.sides import padded_tokens

    assert padded_tokens([3, 9, 5, 4, 8], 2) == 2 * 9 + 2 * 5 + 3
    assert padded_tokens([3, 9], 1) == 12


@pytest.mark.usefixtures("on_the_path")
def test_the_paper_asks_as_many_questions_as_it_says() -> None:
    from common.generated import PAPER

    assert sum(outline.questions for outline in PAPER) == 37341


@pytest.mark.usefixtures("on_the_path")
def test_result_files_that_differ_are_seen() -> None:
    from harness import markdown, result_distance

    peer = {"alias": "t", "acc,none": 0.5, "acc_norm,none": 0.25}
    assert result_distance(dict(peer), peer) == {"entries": 3, "equal": 3, "largest_difference": 0.0}
    other = result_distance(peer | {"acc,none": 0.75}, peer)
    assert other == {"entries": 3, "equal": 2, "largest_difference": 0.25}
    machine = {"processor": "p", "cores": 2, "memory_gib": 8, "gpu": None, "load_average": 0, "versions": {}}
    row = {"task": "t", "questions": 4, "batch_size": 8, "tree": {"wall": 2.0, "cpu": 1.0, "proof_cpu": 0.5},
           "hf": {"wall": 8.0, "cpu": 3.0}, "fields_that_differ": ["n-shot"]}  # fmt: skip
    text = markdown({"machine": machine, "threads": 2, "shape": "70m", "tasks": [row | other]})
    assert "| **4.0** | **3.0** | **6.0** | 2 of 3 | 2.5e-01 | n-shot |" in text


@pytest.mark.slow
@pytest.mark.usefixtures("on_the_path")
def test_every_stage_after_scoring_is_measured(tmp_path: Path) -> None:
    from common.made_study import Made
    from stages import STAGES

    made = Made.write(tmp_path / "made", models=2, steps=4, most=10)
    for stage, _ in STAGES.values():
        stage(made)
    assert {path.stem for path in (made.folder / "figures").iterdir()} == {"accuracy", "models", "surface"}
    assert "pythia-160m" in (made.folder / "report.html").read_text()

"""Studies that import their accuracies, and their comparison with a reference, as real runs."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from support.snakemakes import run_snakemake
from support.toy import PROJECT, quiet_environment
from trajectories.report.table1 import papers_cells, papers_key
from trajectories.tables import read_table

TERMS = ("parameters", "tokens", "interaction")
HEADER = "model\tstep\ttask\tvalue\tstderr\tquestions\n"


def run(folder: Path, config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = ["--snakefile", PROJECT / "Snakefile", "--configfile", config, "--directory", folder, "--cores", "2"]
    return run_snakemake([*map(str, words), *arguments], folder, quiet_environment())


def write_study(folder: Path, name: str, value: float, **changes: Any) -> Path:
    """Write a study of two models and three steps whose accuracies are all `value`, but for one cell."""
    cells = [(model, step) for model in ("small", "large") for step in (1, 10, 100)]
    rows = [f"{model}\t{step}\tneqa\t{value}\t0.01\t300\n" for model, step in cells[:-1]]
    (folder / f"{name}.tsv").write_text(HEADER + "".join(rows) + "large\t100\tneqa\t0.5\t0.01\t300\n")
    config = {
        "study": name,
        "models": [{"name": "small", "parameters": 1000}, {"name": "large", "parameters": 9000}],
        "steps": [1, 10, 100],
        "tasks": ["neqa"],
        "import": {"format": "tsv", "path": f"{name}.tsv"},
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config | changes))
    return path


def test_the_published_study_reproduces_table_1(shared_data: Path, tmp_path: Path) -> None:
    results = tmp_path / "results" / "published"
    targets = [str((results / file).relative_to(tmp_path)) for file in ("table1.tsv", "figures/accuracy.pdf")]
    config = PROJECT / "studies" / "published.yaml"
    done = run(tmp_path, config, "--config", f"data={shared_data / 'published'}", "--", *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    table = read_table(results / "table1.tsv", "table1")
    found = {(papers_key(row.task), term): getattr(row, term) for row in table.itertuples() for term in TERMS}
    assert found == papers_cells()
    assert len(found) == 36
    assert table["label"].iloc[:2].tolist() == ["TruthfulQA-MC1", "TruthfulQA-MC2"]
    assert (results / "figures" / "accuracy.pdf").read_bytes().startswith(b"%PDF")


def test_an_import_that_names_no_hub_is_compared_with_the_published_study(shared_data: Path, tmp_path: Path) -> None:
    changes = {
        "models": [{"name": "pythia-70m", "parameters": 70e6}], "steps": [2000], "reference": "published",
        "data": str(shared_data / "published"), "checkpoints": {},
    }  # fmt: skip
    config = write_study(tmp_path, "ours", 0.7, **changes)
    (tmp_path / "ours.tsv").write_text(HEADER + "pythia-70m\t2000\tneqa\t0.5\t0.01\t300\n")
    done = run(tmp_path, config, "results/ours/reference.tsv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(read_table(tmp_path / "results" / "ours" / "reference.tsv", "accuracy")) == 1


def test_compare_names_the_cells_that_do_not_replicate(tmp_path: Path) -> None:
    reference = run(tmp_path, write_study(tmp_path, "theirs", 0.5), "results/theirs/accuracy.tsv")
    assert reference.returncode == 0, reference.stdout + reference.stderr
    theirs = {kind: read_table(tmp_path / "results" / "theirs" / f"{kind}.tsv", kind) for kind in ("tasks", "answers")}
    assert [theirs[kind]["task"].unique().tolist() for kind in theirs] == [["neqa"]] * 2, "one job makes all three"
    done = run(tmp_path, write_study(tmp_path, "ours", 0.7, reference="theirs"), "compare")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "does not replicate: 5 of 6 cells differ (5 higher)" in done.stdout + done.stderr
    cells = pd.read_csv(tmp_path / "results" / "ours" / "compare.tsv", sep="\t")
    assert cells["verdict"].value_counts().to_dict() == {"higher than the reference": 5, "identical": 1}


@pytest.mark.parametrize(
    ("changes", "target", "complaint"),
    [
        ({}, "compare", "error: config: reference is not set"),
        ({"reference": "nowhere"}, "compare", "error: config: reference: results/nowhere/accuracy.tsv does not exist"),
        ({"import": {"format": "tsv", "path": "gone.tsv"}}, "fit", "error: config: import.path: 'gone.tsv' does not"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, changes: dict[str, Any], target: str, complaint: str
) -> None:
    done = run(tmp_path, write_study(tmp_path, "ours", 0.5, **changes), "--dry-run", target)
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert complaint in printed
    assert "Traceback" not in printed


def test_a_mistake_in_an_imported_file_is_one_line(tmp_path: Path) -> None:
    config = write_study(tmp_path, "ours", 70.0)
    done = run(tmp_path, config, "results/ours/accuracy.tsv")
    printed = done.stdout + done.stderr
    assert done.returncode != 0
    assert "error: ours.tsv: the value in line 2 is 70.0, outside 0…1" in printed
    assert "Traceback" not in printed


def test_single_questions_answered_elsewhere_give_what_scores_give(tmp_path: Path) -> None:
    for step in (1, 10, 100):
        folder = tmp_path / "logged" / f"step{step}"
        folder.mkdir(parents=True)
        made = {
            "results": {"sums": {"acc,none": 0.5}},
            "config": {"model_args": f"pretrained=small,revision=step{step}"},
        }
        (folder / "results_2026-01-01T00-00-00.json").write_text(json.dumps(made))
        rows = [logged_row(number, right=(number * step) % 3 > 0) for number in range(30)]
        (folder / "samples_sums_2026-01-01T00-00-00.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = {
        "study": "answered", "models": [{"name": "small", "parameters": 1000}], "steps": [1, 10, 100],
        "tasks": [{"name": "sums"}], "import": {"format": "harness-samples", "path": "logged"},
    }  # fmt: skip
    (tmp_path / "answered.yaml").write_text(yaml.safe_dump(config))
    results = tmp_path / "results" / "answered"
    targets = [
        f"results/answered/{name}"
        for name in ("flips.tsv", "fates.tsv", "tasks.tsv", "export/accuracy.parquet", "figures/consistency.svg")
    ]
    done = run(tmp_path, tmp_path / "answered.yaml", *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    accuracy = read_table(results / "accuracy.tsv", "accuracy")
    right = accuracy[accuracy["metric"] == "accuracy"].set_index("step")["value"]
    assert right.to_dict() == pytest.approx(
        {step: sum((n * step) % 3 > 0 for n in range(30)) / 30 for step in (1, 10, 100)}
    )
    assert read_table(results / "fates.tsv", "fates")["questions"].tolist() == [30]
    judged = read_table(results / "consistency.tsv", "consistency")
    assert judged["choices"].tolist() == [60] * 3
    assert judged["reason"].tolist() == ["needs 5 checkpoints to tell"] * 3


def logged_row(number: int, right: bool) -> dict[str, Any]:
    values = ["-1.0", "-2.0"] if right else ["-2.0", "-1.0"]
    asked = {f"gen_args_{i}": {"arg_0": f"{number} and", "arg_1": text} for i, text in enumerate((" a", " b"))}
    return {
        "doc_id": number, "doc": {"prompt": f"{number} and"}, "target": "0", "doc_hash": f"h{number}",
        "arguments": asked,
        "resps": [], "filtered_resps": [[value, "False"] for value in values], "filter": "none", "acc": float(right),
    }  # fmt: skip

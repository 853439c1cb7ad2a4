"""Single questions that the evaluation harness logged, read back as scores: its own metrics come out again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from trajectories.analysis.accuracy import accuracy_rows
from trajectories.errors import UserError
from trajectories.imports.scores import import_scores
from trajectories.imports.whole import filled_in
from trajectories.questions.stored import read_questions
from trajectories.scoring.scores import read_scores
from trajectories.study.config import Study
from trajectories.tables import read_table

lm_eval = pytest.importorskip("lm_eval")

CHOICE = """
task: sums
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: prompt
doc_to_choice: "{{{{classes}}}}"
doc_to_target: answer_index
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
"""
SEVERAL = """
task: truths_mc2
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: prompt
doc_to_choice: "{{{{mc2_targets.choices}}}}"
doc_to_target: 0
process_results: !function scoring.process
metric_list: [{{metric: acc}}]
"""
WRITTEN = """
task: written
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: prompt
doc_to_target: "lol"
generation_kwargs: {{until: ["x"], do_sample: false}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""
SCORING = """
import numpy as np
def process(doc, results):
    lls = np.array([value for value, _ in results]); labels = np.array(doc["mc2_targets"]["labels"]) == 1
    return {"acc": float(np.exp(lls[labels]).sum() / np.exp(lls).sum())}
"""
STEPS = (1, 8)
TASKS = [{"name": "sums"}, {"name": "truths_mc2", "metric": "mc2"}, {"name": "written", "metric": "greedy"}]
Row = dict[str, Any]


def write_tasks(folder: Path) -> None:
    rows = [
        {
            "prompt": f"{i} and", "classes": [" one", " two more", " three"], "answer_index": i % 3,
            "mc2_targets": {"choices": [" a", " b", " c"], "labels": [1, i % 2, 0]},
        }
        for i in range(14)
    ]  # fmt: skip
    data = folder / "questions.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "scoring.py").write_text(SCORING)
    for name, text in (("sums", CHOICE), ("truths_mc2", SEVERAL), ("written", WRITTEN)):
        (folder / f"{name}.yaml").write_text(text.format(data=data))


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let the harness write its files for two checkpoints of its dummy model, whose answers are random."""
    folder = tmp_path_factory.mktemp("logged")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        patch.setattr("datasets.config.HF_HUB_OFFLINE", True)
        patch.setattr("datasets.config.HF_DATASETS_CACHE", folder / "cache")
        from lm_eval.loggers import EvaluationTracker
        from lm_eval.tasks import TaskManager

        write_tasks(folder)
        for step in STEPS:
            tracker = EvaluationTracker(output_path=str(folder / "out" / f"step{step}"))
            found = lm_eval.simple_evaluate(
                model="dummy",
                model_args=f"pretrained=org/pocket-1,revision=step{step}",
                tasks=["sums", "truths_mc2", "written"],
                task_manager=TaskManager(include_path=str(folder), include_defaults=False),
                bootstrap_iters=10,
                evaluation_tracker=tracker,
            )
            answers = found.pop("samples")
            tracker.save_results_aggregated(found, answers)
            for name, samples in answers.items():
                tracker.save_results_samples(name, samples)
    return folder / "out"


def study_of(path: Path, tasks: list[dict[str, Any]] | None = None) -> Study:
    return Study.from_config(
        {
            "study": "samples", "checkpoints": {"hub": "org/{model}", "tokens_per_step": 1000},
            "models": [{"name": "pocket-1", "parameters": 1000}], "steps": list(STEPS),
            "tasks": tasks or TASKS,
            "import": {"format": "harness-samples", "path": str(path)},
        }
    )  # fmt: skip


def values(results: Path) -> dict[tuple[int, str, str], float]:
    tables = [
        accuracy_rows(read_scores(results / "scores" / "pocket-1" / f"step{step}.parquet"), "pocket-1", 1, step, step)
        for step in STEPS
    ]
    rows = pd.concat(tables).itertuples()
    return {(row.step, row.task, row.metric): row.value for row in rows}


def test_the_harnesss_metrics_come_out_again(logged: Path, tmp_path: Path) -> None:
    import_scores(study_of(logged), tmp_path)
    found = values(tmp_path)
    for step in STEPS:
        (file,) = (logged / f"step{step}").rglob("results_*.json")
        results = json.loads(file.read_text())["results"]
        assert found[step, "sums", "accuracy"] == pytest.approx(results["sums"]["acc,none"], abs=1e-12)
        assert found[step, "sums", "accuracy_norm"] == pytest.approx(results["sums"]["acc_norm,none"], abs=1e-12)
        assert found[step, "truths_mc2", "mc2"] == pytest.approx(results["truths_mc2"]["acc,none"], abs=1e-9)
        assert found[step, "written", "greedy"] == pytest.approx(results["written"]["exact_match,none"], abs=1e-12)
        assert (step, "written", "perplexity") not in found, "no log-likelihoods were logged of written answers"
    question = read_questions(tmp_path / "questions" / "sums.parquet")[1]
    assert question.measured == (" one", " two more", " three"), "the harness's own delimiter is not counted"
    assert read_table(tmp_path / "checkpoints.tsv", "checkpoints")["used"].tolist() == [True, True]
    assert read_table(tmp_path / "imported.tsv", "imported")["harness"].unique().tolist() == [lm_eval.__version__]


def test_all_is_what_the_samples_hold(logged: Path) -> None:
    settings: dict[str, Any] = {
        "study": "s",
        "checkpoints": {"tokens_per_step": 1000},
        "import": {"format": "harness-samples"},
    }
    settings |= {"models": [{"name": "pocket-1", "parameters": 1000}], "steps": "all", "tasks": "all"}
    with pytest.raises(UserError, match=r"import.path: is missing; give"):
        filled_in(settings)
    settings["import"]["path"] = str(logged)
    filled, _ = filled_in(settings)
    assert filled["steps"] == list(STEPS)
    assert {task["name"]: task["metric"] for task in filled["tasks"]} == {
        "sums": "accuracy", "truths_mc2": "accuracy", "written": "greedy",
    }  # fmt: skip
    settings["import"]["format"] = "samples"
    with pytest.raises(UserError, match=r"import.format: 'samples' is none of harness-json, harness-samples, pub"):
        filled_in(settings)


def changed(
    logged: Path, to: Path, change: Callable[[dict[str, Any]], dict[str, Any]], step: int, task: str = "sums"
) -> Path:
    shutil.copytree(logged, to)
    (file,) = (to / f"step{step}").rglob(f"samples_{task}_*.jsonl")
    rows = [change(json.loads(line)) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return to


def test_the_first_layout_of_v04_gives_the_same(logged: Path, tmp_path: Path) -> None:
    def older(row: Row) -> Row:
        arguments = [list(asked.values()) for asked in row["arguments"].values()]
        answers = [[float(value), greedy == "True"] for value, greedy in row["filtered_resps"]]
        kept = {
            key: value for key, value in row.items() if key not in ("doc_hash", "filter", "target_hash", "prompt_hash")
        }
        return kept | {"arguments": arguments, "filtered_resps": answers}

    old = logged
    for step in STEPS:
        old = changed(old, tmp_path / f"older{step}", older, step)
    for path, results in ((logged, tmp_path / "a"), (old, tmp_path / "b")):
        import_scores(study_of(path, [{"name": "sums"}]), results)
    assert values(tmp_path / "a") == values(tmp_path / "b")


def test_documents_that_differ_between_checkpoints_are_counted_and_refused(logged: Path, tmp_path: Path) -> None:
    def other(row: Row) -> Row:
        return row | {"doc_hash": row["doc_hash"] + "x" * (row["doc_id"] < 3)}

    path = changed(logged, tmp_path / "other", other, 8)
    with pytest.raises(UserError, match=r"'sums': pocket-1 step 8 was asked other documents .* \(6 differ\)"):
        import_scores(study_of(path), tmp_path / "results")


def test_labels_that_contradict_the_harnesss_count_are_refused(logged: Path, tmp_path: Path) -> None:
    path = changed(logged, tmp_path / "wrong", lambda row: row | {"acc": 1.0 - row["acc"]}, 1)
    with pytest.raises(UserError, match=r"the harness counted 14 of 14 samples otherwise than their target says"):
        import_scores(study_of(path), tmp_path / "results")


def test_the_newest_of_repeated_runs_counts(logged: Path, tmp_path: Path) -> None:
    shutil.copytree(logged, tmp_path / "again")
    (file,) = (tmp_path / "again" / "step1").rglob("samples_sums_*.jsonl")
    older = file.with_name("samples_sums_2001-01-01T00-00-00.000000.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    older.write_text("".join(json.dumps(row | {"filtered_resps": [["0", "False"]] * 3}) + "\n" for row in rows))
    import_scores(study_of(tmp_path / "again", [{"name": "sums"}]), tmp_path / "results")
    notes = read_table(tmp_path / "results" / "import_notes.tsv", "import_notes").set_index("kind")
    assert notes.loc["older runs of the same task", "count"] == 1
    import_scores(study_of(logged, [{"name": "sums"}]), tmp_path / "once")
    assert values(tmp_path / "results") == values(tmp_path / "once")


def test_a_damaged_row_is_named(logged: Path, tmp_path: Path) -> None:
    shutil.copytree(logged, tmp_path / "cut")
    (file,) = (tmp_path / "cut" / "step1").rglob("samples_sums_*.jsonl")
    file.write_text(file.read_text()[:-100])
    with pytest.raises(UserError, match=r"samples_sums_.*\.jsonl, line 14: cut short or not JSON"):
        import_scores(study_of(tmp_path / "cut"), tmp_path / "results")

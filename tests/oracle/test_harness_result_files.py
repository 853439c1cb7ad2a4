"""The readers against files that the evaluation harness itself writes."""

import json
from pathlib import Path

import pytest

from support.imports import read_harness

lm_eval = pytest.importorskip("lm_eval")

TASK = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: prompt
doc_to_choice: "{{{{classes}}}}"
doc_to_target: answer_index
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
"""
GROUP = "group: both\ntask: [{0}, {1}]\naggregate_metric_list: [{{metric: acc}}]\n"
NAMES = ("inverse_scaling_memo_trap", "truthfulqa_mc1")


def write_tasks(folder: Path, questions: int) -> None:
    data = folder / "questions.jsonl"
    rows = [{"prompt": f"{i} and", "classes": [" one", " two more"], "answer_index": i % 2} for i in range(questions)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in NAMES:
        (folder / f"{name}.yaml").write_text(TASK.format(name=name, data=data))
    (folder / "both.yaml").write_text(GROUP.format(*NAMES))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run the harness with its own dummy model, whose answers are random, and let it write its files."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    write_tasks(tmp_path, questions=14)
    tracker = EvaluationTracker(output_path=str(tmp_path / "out"))
    found = lm_eval.simple_evaluate(
        model="dummy",
        model_args="pretrained=org/pocket-1,revision=step8",
        tasks=["both"],
        task_manager=TaskManager(include_path=str(tmp_path), include_defaults=False),
        bootstrap_iters=10,
        evaluation_tracker=tracker,
    )
    samples = found.pop("samples")
    tracker.save_results_aggregated(found, samples)
    for name in NAMES:
        tracker.save_results_samples(name, samples[name])
    return tmp_path / "out"


def test_todays_harness_is_read_back(results: Path) -> None:
    (file,) = results.rglob("results_*.json")
    written = json.loads(file.read_text())["results"]
    readings = {(r.task, r.metric): r for r in read_harness(results)}
    assert set(readings) >= {(name, metric) for name in NAMES for metric in ("acc", "acc_norm")}
    assert ("both", "acc") in readings, "a group's mean is there to be named"
    for task in NAMES:
        reading = readings[task, "acc"]
        assert reading.value == written[task]["acc,none"]
        assert reading.stderr == written[task]["acc_stderr,none"]
        assert (reading.model, reading.revision, reading.questions) == ("org/pocket-1", "step8", 14)
        assert (reading.shots, reading.made.harness) == (0, lm_eval.__version__)

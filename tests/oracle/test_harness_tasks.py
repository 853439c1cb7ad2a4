"""Tasks of the evaluation harness by name: every metric is what the harness's own backend gives on the same model."""

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import jsonschema
import lm_eval
import numpy as np
import pandas as pd
import pytest
import yaml
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from support.harness_tasks import LOCAL, TASKS, write_tasks
from support.models import random_model, tokenizer
from trajectories import Question, UserError
from trajectories.analysis.accuracy import accuracy_rows
from trajectories.harness import TreeLM
from trajectories.harness.questions import ask_harness
from trajectories.questions.averages import with_averages
from trajectories.questions.harness.cache import content_of, remembered
from trajectories.questions.harness.names import as_text, from_text
from trajectories.questions.harness.tasks import harness_tasks
from trajectories.questions.task import Task
from trajectories.scoring.encode import encode
from trajectories.scoring.engine import Engine
from trajectories.scoring.scores import score_table
from trajectories.study.config import Study
from trajectories.study.protocol import PRESETS
from trajectories.study.schema import config_schema

SHOTS = {"mmlu_anatomy": 5, "mmlu_virology": 5, "winogrande": 2, "arc_easy": 3}
MANY = ("acc_mutual_info", "acc_bytes", "acc_norm", "acc", "exact_match", "mcc")
NOT_HERE = {"mcc", "likelihood_diff"}
EXACT = {"accuracy", "accuracy_norm", "accuracy_bytes", "accuracy_pmi", "greedy"}


@pytest.fixture(scope="module")
def model() -> Any:
    return random_model("gpt_neox", seed=5, window=512)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The fifteen local tasks, a group of two, ARC with every normalisation, and what has to be refused."""
    place = tmp_path_factory.mktemp("tasks")
    write_tasks(place)
    own = {
        "mmlu": {"group": "mmlu", "task": ["mmlu_stem", "mmlu_virology"],
                 "aggregate_metric_list": [{"metric": "acc", "weight_by_size": True}]},
        "mmlu_stem": {"group": "mmlu_stem", "group_alias": "stem", "task": ["mmlu_anatomy"],
                      "aggregate_metric_list": [{"metric": "acc", "weight_by_size": False}]},
        "several": {"group": "several", "task": ["piqa", "mmlu"]},
        "arc_all": {"include": "arc_easy.yaml", "task": "arc_all", "metric_list": [{"metric": name} for name in MANY]},
        "two_true": {"include": "arc_easy.yaml", "task": "two_true", "doc_to_target": "{{[0, 2]}}",
                     "metric_list": [{"metric": name} for name in ("acc", "acc_norm", "acc_bytes", "exact_match")]},
        "zero": {"include": "arc_easy.yaml", "task": "zero", "num_fewshot": 0},
        "far": {"include": "arc_easy.yaml", "task": "far", "dataset_path": "nobody/nothing", "dataset_kwargs": {}},
        "scripted": {"include": "arc_easy.yaml", "task": "scripted", "dataset_path": str(place / "scripted"),
                     "dataset_kwargs": {}},
        "moved": {"include": "arc_easy.yaml", "task": "moved", "dataset_kwargs": {"data_files": {"test": "no.jsonl"}}},
        "letter": {"include": "arc_easy.yaml", "task": "letter", "training_split": None, "validation_split": None,
                   "dataset_kwargs": {"data_files": {"test": str(place / "letter.jsonl")}}},
        "unanswered": {"include": "sciq.yaml", "task": "unanswered", "doc_to_target": -1},
        "odd": {"group": "odd", "task": ["arc_easy", {"task": "nowhere", "dataset_path": "json"}]},
    }  # fmt: skip
    (place / "scripted").mkdir()
    (place / "scripted" / "scripted.py").write_text("raise SystemExit")
    rows = LOCAL["arc_easy"][1]["test"][:3]
    letters = [
        json.dumps({**row, "answerKey": "Z" if number == 2 else row["answerKey"]}) for number, row in enumerate(rows)
    ]
    (place / "letter.jsonl").write_text("\n".join(letters))
    for name, task in own.items():
        (place / f"{name}.yaml").write_text(yaml.safe_dump(task))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        yield place


def by_harness(backend: Any, folder: Path, name: str) -> dict[str, Any]:
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    errors = 2 if name == "mmlu" else 0  # above 0, means have their standard error
    asked = {"tasks": [name], "task_manager": manager, "bootstrap_iters": errors}
    found = lm_eval.simple_evaluate(backend, num_fewshot=SHOTS.get(name, 5 if name == "mmlu" else None), **asked)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def theirs(model: Any, folder: Path) -> dict[str, dict[str, Any]]:
    backend = HFLM(model, tokenizer=tokenizer(), device="cpu", batch_size=4)
    return {name: by_harness(backend, folder, name) for name in (*LOCAL, "arc_all", "two_true", "mmlu")}


def asked(folder: Path, harness: str, **keys: Any) -> tuple[list[Task], list[Any]]:
    shots = {"shots": SHOTS[harness]} if harness in SHOTS else {}
    return harness_tasks({"harness": harness, "include": str(folder), **shots, **keys}, "config: tasks[0]")


def scores(model: Any, tasks: list[Task]) -> tuple[pd.DataFrame, dict[str, dict[str, str]]]:
    """Score tasks in one tree, as the stages do; return the scores and each task's metrics by the harness's name."""
    found = {task.name: ask_harness(task) for task in tasks}
    questions = {name: list(part) for name, (part, _) in found.items()}
    between = {task.name: task.between for task in tasks}
    alone = [task.name for task in tasks if task.harness and "acc_mutual_info" in task.harness.metrics]
    requests = encode(questions, between, tokenizer(), PRESETS["harness"], alone)
    table = score_table(Engine(model, pack_tokens=512).score(requests))
    return table, {name: json.loads(origin["metrics"]) for name, (_, origin) in found.items()}


def answers(results: dict[str, Any], name: str) -> list[float]:
    """The log-likelihoods the harness's backend gave, row by row; what is asked after nothing comes last in a row."""
    rows = results["samples"][name]
    return [float(np.ravel(answer)[0]) for row in rows for response in row["resps"] for answer in response]


@pytest.mark.parametrize("name", [*sorted(set(LOCAL) - {"mutual"}), "arc_all", "two_true"])
def test_every_metric_is_the_harness_s(name: str, model: Any, folder: Path, theirs: dict[str, dict[str, Any]]) -> None:
    tasks, _ = asked(folder, name)
    table, metrics = scores(model, tasks)
    ours = accuracy_rows(table, "m", 1, 1, 1).set_index("metric")["value"]
    expected = {
        key.split(",")[0]: value for key, value in theirs[name]["results"][name].items() if key.endswith(",none")
    }
    found = metrics[name]
    assert set(expected) - set(found) - NOT_HERE == {key for key in expected if key.endswith("_stderr")}
    for metric, mine in found.items():
        value = ours[mine] if metric != "byte_perplexity" else 2 ** ours[mine]
        assert value == (expected[metric] if mine in EXACT else pytest.approx(expected[metric], rel=1e-4)), metric
    assert tasks[0].metric in found.values()
    pairs = table["loglikelihood"].tolist()
    if name == "arc_all":
        both = table.groupby("question")[["loglikelihood", "unconditional"]]
        pairs = [value for _, rows in both for value in [*rows["loglikelihood"], *rows["unconditional"]]]
    np.testing.assert_allclose(pairs, answers(theirs[name], name), rtol=1e-6, atol=1e-4)


def test_the_harness_with_our_engine_has_the_same_results(
    model: Any, folder: Path, theirs: dict[str, dict[str, Any]]
) -> None:
    backend = TreeLM(model, tokenizer=tokenizer(), device="cpu")
    for name, expected in theirs.items():
        ours = by_harness(backend, folder, name)
        assert ours["results"].keys() == expected["results"].keys()
        for task, metrics in expected["results"].items():
            for key, value in metrics.items():
                exact = key.startswith(("acc", "exact", "r@")) and name != "truthfulqa_mc2"
                assert ours["results"][task][key] == (value if exact else pytest.approx(value)), (task, key)
        for task in expected["samples"]:
            np.testing.assert_allclose(answers(ours, task), answers(expected, task), rtol=1e-6, atol=1e-4)


def test_a_group_has_the_harness_s_value_and_error(model: Any, folder: Path, theirs: dict[str, dict[str, Any]]) -> None:
    tasks, averages = asked(folder, "mmlu", shots=5)
    assert [task.name for task in tasks] == ["mmlu_anatomy", "mmlu_virology"]
    assert {task.part_of for task in tasks} == {"mmlu"}
    assert {task.tree for task in tasks} == {"mmlu"}
    assert [(average.name, average.part_of, average.weight) for average in averages] == [
        ("mmlu", None, "questions"), ("mmlu_stem", "mmlu", "tasks"),
    ]  # fmt: skip
    table, _ = scores(model, tasks)
    rows = with_averages(accuracy_rows(table, "m", 1, 1, 1), averages)
    ours = rows[rows["metric"] == "accuracy"].set_index("task")
    for name, metrics in theirs["mmlu"]["results"].items():
        assert ours.loc[name, "value"] == pytest.approx(metrics["acc,none"], abs=1e-12), name
        assert ours.loc[name, "stderr"] == pytest.approx(metrics["acc_stderr,none"], abs=1e-12), name
    assert ours.loc["mmlu", "questions"] == 9


def test_where_questions_came_from_is_told(folder: Path) -> None:
    (task,), _ = asked(folder, "arc_easy")
    _, origin = ask_harness(task)
    assert origin["harness"] == f"lm_eval {lm_eval.__version__}"
    assert (origin["harness_task"], origin["version"], origin["shots"]) == ("arc_easy", "1.0", "3")
    assert json.loads(origin["metrics"]) == {"acc": "accuracy", "acc_norm": "accuracy_norm"}
    assert len(origin["yamls"]) == 64


def test_names_of_a_group_begin_with_the_one_it_is_given(folder: Path) -> None:
    tasks, averages = asked(folder, "mmlu", name="mmlu0", label="MMLU without shots")
    assert [task.name for task in tasks] == ["mmlu0-mmlu_anatomy", "mmlu0-mmlu_virology"]
    assert [average.name for average in averages] == ["mmlu0", "mmlu0-mmlu_stem"]
    assert averages[0].tasks == ("mmlu0-mmlu_anatomy", "mmlu0-mmlu_virology")
    assert averages[0].title == "MMLU without shots"


def test_a_group_without_a_value_has_those_inside_it(folder: Path) -> None:
    tasks, averages = asked(folder, "several")
    assert {task.name: task.part_of for task in tasks} == {
        "piqa": None,
        "mmlu_anatomy": "mmlu",
        "mmlu_virology": "mmlu",
    }
    assert [(average.name, average.part_of) for average in averages] == [("mmlu", None), ("mmlu_stem", "mmlu")]


def test_what_names_stand_for_is_remembered_until_a_yaml_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = write_tasks(tmp_path / "yamls", ["piqa", "boolq"])
    include = (str(place),)
    first = remembered("piqa", include, content_of(include))
    assert from_text(as_text(first)) == first == remembered("piqa", include, content_of(include))
    (kept,) = (tmp_path / "cache").rglob("*.json")
    kept.write_text(kept.read_text().replace('"version":"1.0"', '"version":"old"'))
    assert remembered("piqa", include, content_of(include)).tasks[0].version == "old"  # it is what is read
    kept.write_text("damaged")
    assert remembered("piqa", include, content_of(include)) == first
    before = content_of(include)
    (place / "boolq.yaml").write_text((place / "boolq.yaml").read_text() + "num_fewshot: 0\n")
    assert content_of(include) != before


def test_a_harness_that_is_not_installed_is_said_with_the_cure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("trajectories.questions.harness.cache.version", missing)
    with pytest.raises(UserError, match=r"tasks\[0\]: harness: tasks of the harness need it installed: pip install"):
        asked(folder, "piqa")


def test_a_study_speaks_of_a_group_in_place_of_its_tasks(folder: Path) -> None:
    config = {
        "study": "s", "models": [{"name": "m", "parameters": 1e6, "tokens_per_step": 8, "folder": "m/step{step}"}],
        "steps": [1, 2], "tasks": [{"harness": "mmlu", "shots": 5, "include": str(folder)},
                                   {"harness": "arc_all", "include": [str(folder)], "metric": "accuracy_norm"}],
    }  # fmt: skip
    jsonschema.validate(config, config_schema())
    study = Study.from_config(config)
    assert [task.name for task in study.tasks] == ["mmlu_anatomy", "mmlu_virology", "arc_all"]
    assert study.metrics == {"arc_all": "accuracy_norm", "mmlu": "accuracy"}
    assert study.unconditional == ("arc_all",)
    assert study.trees == ("mmlu", "arc_all")
    assert Study.model_validate_json(study.model_dump_json(by_alias=True)) == study
    with pytest.raises(UserError) as caught:
        Study.from_config(config | {"tasks": [{"harness": "odd", "include": str(folder)}, {"harness": 3}]})
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == [" tasks[0]", " tasks[1]"]


@pytest.mark.parametrize(
    ("name", "keys", "expected"),
    [
        ("zero", {"shots": 2}, "'zero' fixes its shots at 0, and the harness keeps to that; leave shots out"),
        ("odd", {}, "'odd' of the harness has the member 'nowhere', which is no task with a name of its own"),
        ("arc_eazy", {}, "'arc_eazy' is no task of the harness; near it are arc_easy"),
        ("arc_easy", {"include": "no/such/folder"}, "include: folder 'no/such/folder' does not exist"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_config(
    folder: Path, name: str, keys: dict[str, Any], expected: str
) -> None:
    with pytest.raises(UserError) as caught:
        asked(folder, name, **keys)
    assert str(caught.value).startswith(f"config: tasks[0]: harness: {expected}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "keys", "expected"),
    [
        ("far", {}, "the harness's data set nobody/nothing is not here and the hub cannot be reached"),
        ("scripted", {}, "the harness's data set {folder}/scripted needs code of its own, never run here"),
        ("moved", {}, "the harness's data set json is not where its YAML says"),
        ("letter", {}, "row 2: the harness cannot make its requests (ValueError: 'Z' is not in list)"),
        ("unanswered", {}, "row 0: has no true choice; is this part of the data published without answers?"),
    ],
)
def test_what_cannot_be_read_is_refused(folder: Path, name: str, keys: dict[str, Any], expected: str) -> None:
    (task,), _ = asked(folder, name, **keys)
    with pytest.raises(UserError) as caught:
        ask_harness(task)
    assert str(caught.value).startswith(f"task '{name}': {expected.replace('{folder}', str(folder))}")


def test_a_function_whose_metrics_are_none_of_ours_is_not_asked_what_is_true(folder: Path) -> None:
    """Mutual's function (0.4.13) takes the largest of log-likelihoods and greedy flags together for the answer."""
    (task,), _ = asked(folder, "mutual")
    questions, origin = ask_harness(task)
    assert [question.labels.index(1) for question in questions] == [k % 4 for k in range(6)]
    assert json.loads(origin["metrics"]) == {}


def test_a_metric_that_is_another_one_is_refused(folder: Path) -> None:
    (task,), _ = asked(folder, "truthfulqa_mc2")
    wrong = task.model_copy(update={"metric": "accuracy"})
    with pytest.raises(UserError, match="the harness's acc of it is mc2 here, not accuracy; say metric: mc2"):
        ask_harness(wrong)


def test_rows_asked_by_the_harness_are_questions(folder: Path) -> None:
    """What a multiple input, a single continuation and a running text become."""
    (winogrande,), _ = harness_tasks({"harness": "winogrande", "include": str(folder)}, "")
    question = ask_harness(winogrande)[0][0]
    assert question.contexts == ("Ada thanked Bruno because Ada", "Ada thanked Bruno because Bruno")
    assert question.choices == (" jumps over the brown fox.",) * 2
    (lambada,), _ = harness_tasks({"harness": "lambada_openai", "include": str(folder)}, "")
    text = LOCAL["lambada_openai"][1]["test"][0]["text"]
    before, _, last = text.rpartition(" ")
    assert ask_harness(lambada)[0][0] == Question(before, (f" {last}",), (1,))
    (wikitext,), _ = harness_tasks({"harness": "wikitext", "include": str(folder)}, "")
    page = LOCAL["wikitext"][1]["test"][0]["page"]
    found = ask_harness(wikitext)[0][0]
    assert found.running
    assert found.measured == (page,)
    assert found.choices[0] != page
    assert TASKS.is_dir()

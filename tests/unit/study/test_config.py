"""A config is checked whole, and each mistake is one line with the key, the value and what is allowed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from trajectories.errors import UserError
from trajectories.study.config import Study
from trajectories.study.sources import tokens_per_step_of

GOOD: dict[str, Any] = {
    "study": "x",
    "checkpoints": {"folder": "a/{model}/step{step}", "tokens_per_step": 1000},
    "models": [{"name": "m", "parameters": "70e6"}],
    "steps": [1, {"powers_of_two": [2, 16]}],
    "tasks": [{"name": "t", "generator": "neqa", "seed": 1}],
}
FOLDER = GOOD["checkpoints"]

MISTAKES: list[tuple[dict[str, Any], list[str]]] = [
    ({"taks": []}, ["'taks'", "did you mean 'tasks'"]),
    ({"tasks": ["no_such_task"]}, ["tasks[0]", "'no_such_task'"]),
    ({"tasks": [{"name": "t", "file": "nowhere.csv"}]}, ["tasks[0]", "'nowhere.csv'", "does not exist"]),
    ({"tasks": [{"name": "t"}]}, ["exactly one of file, hub, text, generator and harness"]),
    ({"tasks": [{"name": "t", "generator": "neqa", "metrc": "mc1"}]}, ["'metrc'", "did you mean 'metric'"]),
    ({"tasks": None}, ["tasks"]),
    ({"steps": ["abc"]}, ["steps", "'abc'", "whole number"]),
    ({"steps": ["step16"]}, ["'step16'", "write 16,"]),
    ({"models": [{"name": "m", "parameters": "104k"}]}, ["models[0].parameters", "'104k'", "write 104e3"]),
    ({"models": [{"name": "m", "parameters": "1.4B"}]}, ["models[0].parameters", "'1.4B'", "write 1.4e9"]),
    ({"steps": [1.5]}, ["steps", "1.5"]),
    ({"steps": [True]}, ["steps", "True"]),
    ({"steps": [-1]}, ["steps", "-1"]),
    ({"steps": [4, 4]}, ["step 4 is listed twice"]),
    ({"steps": []}, ["steps", "no step"]),
    ({"steps": [{"powers_of_tw": [1, 2]}]}, ["'powers_of_tw'"]),
    ({"steps": [{"first": 2, "last": 1, "every": 1}]}, ["last (1) is before first (2)"]),
    ({"models": []}, ["models", "is an empty list; name one at least"]),
    ({"models": "pythia-70m"}, ["models is 'pythia-70m': should be a list: write ['pythia-70m']"]),
    ({"tasks": "memo_trap"}, ["tasks is 'memo_trap': should be a list: write ['memo_trap']"]),
    ({"study": 5}, ["study is 5: should be text; put it in quotation marks"]),
    ({"checkpoints": "x"}, ["checkpoints is 'x': should be a mapping, {key: value}"]),
    ({"scoring": {"gpus": "two"}}, ["scoring.gpus is 'two': should be a whole number"]),
    ({"figures": {"bands": "perhaps"}}, ["figures.bands is 'perhaps': should be true or false"]),
    ({"statistics": {"smallest": "x"}}, ["statistics.smallest is 'x': should be a number"]),
    ({"statistics": {"smallest": -1}}, ["statistics.smallest is -1: should be greater than 0"]),
    ({"models": [{"name": "m", "parameters": -5}]}, ["models[0].parameters", "-5"]),
    ({"models": [{"name": "m", "parameters": "nan"}]}, ["models[0].parameters", "'nan'"]),
    ({"models": [{"name": "m", "parameters": 1.5}]}, ["models[0].parameters", "1.5"]),
    ({"models": [{"name": "m", "paramters": 5}]}, ["models[0]", "did you mean 'parameters'"]),
    ({"models": [{"name": "m", "parameters": 5}] * 2}, ["'m' is there twice"]),
    ({"models": [{"name": "a/b", "parameters": 5}]}, ["models[0].name", "'a/b'"]),
    ({"models": [{"name": "a..b", "parameters": 5}]}, ["models[0].name", "'a..b'"]),
    ({"models": [{"name": "m" * 200, "parameters": 5}]}, ["models[0].name", "at most 96"]),
    ({"study": "../x"}, ["study", "'../x'"]),
    ({"protocol": "papr"}, ["'papr'", "did you mean 'paper'"]),
    ({"protocol": {"preset": "paper", "bosx": True}}, ["'bosx'", "did you mean 'bos'"]),
    ({"scoring": {"dtype": "fp8"}}, ["scoring.dtype", "'fp8'", "float32"]),
    ({"checkpoints": {"tokens_per_step": 1}}, ["model 'm'", "checkpoints.hub or checkpoints.folder"]),
    ({"checkpoints": FOLDER | {"hub": "o/{model}"}}, ["model 'm'", "not both"]),
    ({"checkpoints": FOLDER | {"folder": "a/{modl}/{step}"}}, ["{modl}", "{model}"]),
    ({"checkpoints": FOLDER | {"folder": "a/{model:>3}/{step}"}}, ["{model:>3}", "unknown way", "{step:06d}"]),
    ({"checkpoints": FOLDER | {"folder": "a/{model}"}}, ["no {step}", "a/{model}/step{step}"]),
    ({"checkpoints": {"folder": FOLDER["folder"]}}, ["tokens_per_step", "'m'", "batch size × sequence length"]),
    ({"checkpoints": {"hub": "allenai/{model}"}}, ["tokens_per_step", "'m'", "batch size × sequence length"]),
    ({"models": ["m"]}, ["models[0]", "'m'", "{name: m, parameters: 70e6}"]),
    ({"models": {"m": {"parameters": 1}}}, ["models", "mapping", "- {name: m"]),
    ({"tasks": {"t": {"file": "x.csv"}}}, ["tasks", "mapping", "- {name: t"]),
    ({"tasks": ["memotrap"]}, ["tasks[0]", "did you mean 'memo_trap'"]),
    ({"tasks": ["pocket_neqa"]}, ["'pocket_neqa'", "{task: pocket_neqa, seed: 1}"]),
    ({"tasks": [{"task": "memo_trap", "metric": "acc"}]}, ["tasks[0].metric", "'acc'", "did you mean 'accuracy'"]),
    ({"scoring": {"dtype": "fp16"}}, ["scoring.dtype", "'fp16'", "called 'float16' here"]),
    ({"scoring": {"dtype": "bf16"}}, ["scoring.dtype", "called 'bfloat16' here"]),
    ({"scoring": {"device": "gpu"}}, ["scoring.device", "'gpu'", "did you mean 'cuda'"]),
    ({"scoring": {"pack_tokens": "many"}}, ["scoring.pack_tokens", "'many'", "auto"]),
    ({"statistics": {"metrics": {"zz": "accuracy"}}}, ["statistics.metrics", "'zz'"]),
]


@pytest.mark.parametrize(("change", "expected"), MISTAKES, ids=[str(change)[:50] for change, _ in MISTAKES])
def test_a_mistake_is_one_line_that_names_it(change: dict[str, Any], expected: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        Study.from_config(GOOD | change)
    message = str(caught.value)
    assert "\n" not in message
    for part in expected:
        assert part in message


@pytest.mark.parametrize("key", ["study", "models", "steps", "tasks"])
def test_a_key_that_a_study_needs_is_said_to_be_missing(key: str) -> None:
    with pytest.raises(UserError, match=f"^mine.yaml: {key}: is missing"):
        Study.from_config({name: value for name, value in GOOD.items() if name != key}, "mine.yaml")


def test_all_mistakes_are_said_at_once() -> None:
    wrong = GOOD | {
        "taks": [], "study": "a b", "models": [{"name": "m"}, {"name": "n", "parameters": "x", "paramters": 1}],
        "tasks": ["memo_trap", "memotrap", {"name": "t", "file": "nowhere.csv"}], "protocol": "harnes",
        "scoring": {"dtype": "fp16", "device": "gpu"},
    }  # fmt: skip
    with pytest.raises(UserError) as caught:
        Study.from_config(wrong)
    lines = str(caught.value).splitlines()
    said = ("'taks'", "'a b'", "models[0].parameters", "models[1]", "models[1].parameters", "tasks[1]", "tasks[2]",
            "'harnes'", "scoring.dtype", "scoring.device")  # fmt: skip
    for mistake in said:
        assert any(mistake in line for line in lines), mistake
    assert all(line.startswith("config: ") for line in lines)
    assert len(lines) == len(said)


def test_what_does_not_fit_together_is_said_at_once() -> None:
    models = [{"name": "m", "parameters": 1}, {"name": "m", "parameters": 2}]
    wrong = {"models": models, "tasks": ["pocket_neqa"], "statistics": {"metrics": {"zz": "loss"}}}
    with pytest.raises(UserError) as caught:
        Study.from_config(GOOD | wrong)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "'m' is there twice" in lines[0]


def test_the_home_folder_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "q.csv").touch()
    study = Study.from_config(
        GOOD | {"checkpoints": FOLDER | {"folder": "~/{model}/{step}"}, "tasks": [{"name": "t", "file": "~/q.csv"}]}
    )
    assert study.checkpoints.folder == f"{tmp_path}/{{model}}/{{step}}"
    assert study.tasks[0].file == f"{tmp_path}/q.csv"


def test_tokens_of_a_step_are_known_of_pythia_alone() -> None:
    models = [{"name": "pythia-70m", "parameters": 1}, {"name": "mine", "parameters": 1, "tokens_per_step": 7}]
    study = Study.from_config(GOOD | {"checkpoints": {"hub": "EleutherAI/{model}"}, "models": models})
    assert [tokens_per_step_of(model, study.checkpoints) for model in study.models] == [2_097_152, 7]


def test_a_generated_task_has_its_own_seed_or_the_pocket_suites() -> None:
    tasks = [{"task": "pocket_neqa", "seed": 5}, "pocket_sums"]
    suite = FOLDER | {"folder": "results/{study}/suite/{model}/step{step}"}
    study = Study.from_config(GOOD | {"pocket": {"seed": 3}, "checkpoints": suite, "tasks": tasks})
    assert [study.seed_of(task) for task in study.tasks] == [5, 3]


def test_steps_are_expanded_sorted_and_parameters_read_as_numbers() -> None:
    study = Study.from_config(GOOD | {"steps": ["512", {"powers_of_two": [3, 9]}, {"first": 0, "last": 2, "every": 1}]})
    assert study.steps == (0, 1, 2, 4, 8, 512)
    assert study.models[0].parameters == 70_000_000


def test_a_models_own_steps_and_source_win() -> None:
    models = [{"name": "m", "parameters": 1, "steps": [7], "hub": "org/{model}"}]
    study = Study.from_config(GOOD | {"models": models})
    assert study.steps_of(study.models[0]) == (7,)


def test_a_section_does_not_depend_on_the_order_of_keys() -> None:
    turned = dict(reversed(GOOD.items()))
    assert Study.from_config(GOOD).section("models", "steps") == Study.from_config(turned).section("steps", "models")


def test_runs_of_a_size_have_equal_parameters_or_say_whose_size_they_are() -> None:
    from trajectories.study.sizes import sizes_of

    assert sizes_of([("a", 7, None), ("a2", 7, None), ("b", 9, None)]) == {"a": "a", "a2": "a", "b": "b"}
    given = [("a", 7, None), ("a2", 7, "a"), ("x", 7, "other"), ("y", 7, "other")]
    assert sizes_of(given) == {"a": "a", "a2": "a", "x": "other", "y": "other"}
    assert sizes_of([("a", 7, "b"), ("b", 7, "a")]) == {"a": "a", "b": "a"}
    seeds = [{"name": "a", "parameters": 7}, {"name": "a2", "parameters": 7, "label": "7", "run": "seed 2"}]
    assert [model.title for model in Study.from_config(GOOD | {"models": seeds}).models] == ["a", "7, seed 2"]
    models = [{"name": "a", "parameters": 7}, {"name": "a2", "parameters": 8, "size_of": "a"}]
    with pytest.raises(UserError, match="'a2': is a run of the size 'a', so its parameters are 7"):
        Study.from_config(GOOD | {"models": models})


def test_the_study_may_stand_in_folders(project: Path) -> None:
    """Another name is another suite: with another seed, the demo's is trained beside the first."""
    config = yaml.safe_load((project / "studies" / "demo.yaml").read_text())
    assert Study.from_config(config).checkpoints.folder == "results/demo/suite/{model}/step{step}"
    own = {"folder": "runs/{study}/{model}/step{step}"}
    models = [{"name": "a", "parameters": 1}, {"name": "b", "parameters": 2} | own]
    suite = FOLDER | {"folder": "{study}/{step}"}
    other = Study.from_config(GOOD | {"study": "x-2", "models": models, "checkpoints": suite})
    assert other.checkpoints.folder == "x-2/{step}"
    assert [model.folder for model in other.models] == [None, "runs/x-2/{model}/step{step}"]


@pytest.mark.parametrize(
    ("name", "given", "seed"),
    [
        ("demo", {}, 1), ("demo-2", {}, 2), ("demo", {"seed": "auto"}, 1), ("run10", {"seed": "auto"}, 10),
        ("demo-0", {"seed": None}, 0), ("demo-2", {"seed": 7}, 7), ("2demo", {}, 1),
    ],
)  # fmt: skip
def test_the_name_of_a_study_is_its_seed_where_none_is_said(
    project: Path, name: str, given: dict[str, Any], seed: int
) -> None:
    config = yaml.safe_load((project / "studies" / "demo.yaml").read_text())
    study = Study.from_config(config | {"study": name, "pocket": given})
    assert study.pocket is not None
    assert study.pocket.seed == seed
    assert study.checkpoints.folder == f"results/{name}/suite/{{model}}/step{{step}}"


def test_another_seed_of_the_demo_is_one_key(project: Path) -> None:
    config = yaml.safe_load((project / "studies" / "demo.yaml").read_text())
    studies = {name: Study.from_config(config | {"study": name}) for name in ("demo", "demo-3")}
    seeds = {name: {study.seed_of(task) for task in study.tasks} for name, study in studies.items()}
    assert seeds == {"demo": {1}, "demo-3": {3}}


@pytest.mark.parametrize("checkpoints", [{"folder": "results/demo/suite/{model}/step{step}"}, {"hub": "owner/{model}"}])
def test_a_suite_of_another_seed_is_not_taken_for_ones_own(project: Path, checkpoints: dict[str, str]) -> None:
    config = yaml.safe_load((project / "studies" / "demo.yaml").read_text())
    config |= {"study": "demo-2", "checkpoints": checkpoints | {"tokens_per_step": 1024}}
    with pytest.raises(UserError, match="is not where the study's pocket suite is trained; write folder: results/"):
        Study.from_config(config)

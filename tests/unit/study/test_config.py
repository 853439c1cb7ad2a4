"""A config is checked whole, and each mistake is one line with the key, the value and what is allowed."""

from typing import Any

import pytest

from trajectories.errors import UserError
from trajectories.study.config import Study

GOOD: dict[str, Any] = {
    "study": "x",
    "checkpoints": {"folder": "a/{model}/step{step}"},
    "models": [{"name": "m", "parameters": "70e6"}],
    "steps": [1, {"powers_of_two": [2, 16]}],
    "tasks": [{"name": "t", "generator": "neqa"}],
}

MISTAKES: list[tuple[dict[str, Any], list[str]]] = [
    ({"taks": []}, ["'taks'", "did you mean 'tasks'"]),
    ({"tasks": ["no_such_task"]}, ["tasks[0]", "'no_such_task'"]),
    ({"tasks": [{"name": "t", "file": "nowhere.csv"}]}, ["tasks[0]", "'nowhere.csv'", "does not exist"]),
    ({"tasks": [{"name": "t"}]}, ["exactly one of file, hub and generator"]),
    ({"tasks": [{"name": "t", "generator": "neqa", "metrc": "mc1"}]}, ["'metrc'", "did you mean 'metric'"]),
    ({"tasks": None}, ["tasks"]),
    ({"steps": ["abc"]}, ["steps", "'abc'", "whole number"]),
    ({"steps": [1.5]}, ["steps", "1.5"]),
    ({"steps": [True]}, ["steps", "True"]),
    ({"steps": [-1]}, ["steps", "-1"]),
    ({"steps": [4, 4]}, ["step 4 is listed twice"]),
    ({"steps": []}, ["steps", "no step"]),
    ({"steps": [{"powers_of_tw": [1, 2]}]}, ["'powers_of_tw'"]),
    ({"steps": [{"first": 2, "last": 1, "every": 1}]}, ["last (1) is before first (2)"]),
    ({"models": []}, ["models", "at least 1"]),
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
    ({"checkpoints": {}}, ["checkpoints.hub or checkpoints.folder"]),
    ({"checkpoints": {"folder": "a/{modl}/{step}"}}, ["{modl}", "{model}"]),
    ({"checkpoints": {"folder": "a/{model}"}}, ["no {step}"]),
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

"""Whatever a config holds, it is a study or one line that says why not; names never leave their folder."""

import copy
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from trajectories.errors import UserError
from trajectories.study.config import Study
from trajectories.study.names import LONGEST, checked_name
from trajectories.study.steps import expand_steps

BASE: dict[str, Any] = {
    "study": "s",
    "checkpoints": {"folder": "suite/{model}/step{step}", "tokens_per_step": 1000, "anomalies": "stop"},
    "models": [{"name": "a", "parameters": 70e6}, {"name": "b", "parameters": "1.4e9", "steps": [1, 2]}],
    "steps": [1, {"powers_of_two": [2, 16]}, {"first": 100, "last": 300, "every": 100}],
    "tasks": ["memo_trap", {"task": "neqa", "label": "N"}],
    "protocol": {"preset": "paper", "softmax": "float32"},
    "scoring": {"dtype": "float32", "device": "cpu"},
    "statistics": {"metrics": {"memo_trap": "loss"}, "alpha": 0.05},
    "figures": {"bands": True},
}
SCALARS = (
    st.none() | st.booleans() | st.integers(-10, 10**13) | st.floats() | st.text(max_size=12)
    | st.sampled_from(["../x", "a/b", "", "{step}", "{model!r}", "{step:d}", "{0}", "{", "NaN", "1e400", "a\nb"])
)  # fmt: skip
KEYS = st.text(max_size=6) | st.sampled_from(["name", "steps", "task", "preset", "folder", "hub", "first", "file"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
                      max_leaves=6)  # fmt: skip


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where every value of a config is."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(place for key, inner in items for place in places(inner, (*above, key)))]


PLACES = [place for place in places(BASE) if place]


def changed(place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    config = copy.deepcopy(BASE)
    inner: Any = config
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return config


def attempt(config: dict[str, Any]) -> tuple[Study | None, str]:
    """Return the study, or None and the refusal."""
    try:
        return Study.from_config(config), ""
    except UserError as error:
        return None, str(error)


def test_the_base_is_a_study() -> None:
    assert Study.from_config(BASE).steps == (1, 2, 4, 8, 16, 100, 200, 300)


@given(st.sampled_from(PLACES), VALUES)
@example(("steps",), [{"powers_of_two": [1, 2**70]}])
@example(("models", 0, "parameters"), float("inf"))
@example(("checkpoints", "folder"), "x/{step!z}")
def test_a_changed_value_is_accepted_or_refused_a_line_per_mistake(place: tuple[Any, ...], value: Any) -> None:
    study, refusal = attempt(changed(place, value))
    if study is None:
        assert all(line.startswith("config: ") for line in refusal.split("\n"))
        return
    for name in [study.study, *(model.name for model in study.models), *(task.name for task in study.tasks)]:
        assert Path("results", name).resolve().parent == Path("results").resolve()
    for model in study.models:
        steps = study.steps_of(model)
        assert list(steps) == sorted(set(steps))
        assert Path(study.tokenizer_of(model).name).name == study.tokenizer_of(model).name


@given(st.sampled_from([place for place in PLACES if isinstance(place[-1], str)]), st.text(max_size=8))
def test_an_extra_key_is_refused(place: tuple[Any, ...], key: str) -> None:
    study, refusal = attempt(changed((*place[:-1], f"{key}~"), 1))
    assert study is None
    assert all(line.startswith("config: ") for line in refusal.split("\n"))


@given(st.text(max_size=LONGEST + 4) | st.from_regex(r"[a-zA-Z0-9._/\\-]{1,12}"))
def test_a_name_that_is_accepted_is_one_path_component(name: str) -> None:
    try:
        accepted = checked_name(name)
    except ValueError:
        return
    assert accepted == name
    assert Path("a", name).parts == ("a", name)
    assert name not in (".", "..")
    assert len(name.encode()) <= 255
    assert name.isprintable()
    assert not name.startswith((".", "-"))


@given(st.lists(VALUES | st.integers(0, 50), max_size=6) | VALUES)
def test_steps_are_ascending_and_once_each(value: Any) -> None:
    try:
        steps = expand_steps(value)
    except ValueError:
        return
    assert list(steps) == sorted(set(steps))
    assert all(isinstance(step, int) and step >= 0 for step in steps)

"""Tokens that are not a number per step: tables, files, pieces, and steps that map names to tokens."""

from pathlib import Path
from typing import Any

import pytest

from trajectories.errors import UserError
from trajectories.study.config import Study
from trajectories.study.sources import tokens_of, tokens_per_step_of

GOOD: dict[str, Any] = {
    "study": "x",
    "checkpoints": {"folder": "a/{model}/step{step}"},
    "models": [{"name": "m", "parameters": "70e6"}],
    "steps": [10, 20, 40],
    "tasks": [{"task": "pocket_neqa", "seed": 1}],
}


def seen(study: Study) -> list[int]:
    model = study.models[0]
    return [tokens_of(model, study.checkpoints, step) for step in study.steps_of(model)]


def made(tokens: Any = None, model: Any = None, **changes: Any) -> Study:
    suite = GOOD["checkpoints"] | ({} if tokens is None else {"tokens": tokens})
    models = [GOOD["models"][0] | ({} if model is None else model)]
    study = Study.from_config(GOOD | {"checkpoints": suite, "models": models} | changes)
    again = Study.model_validate_json(study.canonical())  # as it travels in a rule's params
    assert again == study
    return again


def test_a_table() -> None:
    study = made({10: "1e6", "20": 3e6, 40: 9_000_000})
    assert seen(study) == [1_000_000, 3_000_000, 9_000_000]
    assert tokens_per_step_of(study.models[0], study.checkpoints) is None


@pytest.mark.parametrize(("ending", "separator"), [(".tsv", "\t"), (".csv", ",")])
def test_a_file_with_the_two_columns(tmp_path: Path, ending: str, separator: str) -> None:
    path = tmp_path / f"tokens{ending}"
    rows = [("tokens", "step", "date"), ("5", "10", "x"), ("7e3", "20", "y"), ("9000", "40", "z")]
    path.write_text("\n".join(separator.join(row) for row in rows) + "\n", encoding="utf-8-sig")
    assert seen(made(str(path))) == [5, 7000, 9000]


def test_pieces_of_a_ramp() -> None:
    assert seen(made([{"until": 15, "per_step": 100}, {"until": 30, "per_step": 200}, {"per_step": 1e3}])) == [
        1000, 15 * 100 + 5 * 200, 15 * 100 + 15 * 200 + 10 * 1000,
    ]  # fmt: skip


def test_a_models_own_goes_before_the_suites() -> None:
    assert seen(made({10: 1, 20: 2, 40: 3}, {"tokens_per_step": 7})) == [70, 140, 280]
    assert seen(made({10: 1, 20: 2, 40: 3}, {"tokens": [{"per_step": 5}]})) == [50, 100, 200]


def test_steps_that_map_names_to_tokens() -> None:
    study = made(steps={"ckpt_040": 4e9, "ckpt_000": 0, 7: "1e9"})
    assert study.steps == (0, 7, 40)
    assert seen(study) == [0, 10**9, 4 * 10**9]
    of_model = made(model={"steps": {"ckpt_3": 30}}, checkpoints=GOOD["checkpoints"] | {"tokens_per_step": 2})
    assert (of_model.steps_of(of_model.models[0]), seen(of_model)) == ((3,), [30])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tokens": {10: 1, 20: 2}}, "model 'm': tokens: nothing is said of step 40"),
        ({"tokens": {10: 5, 20: 5, 40: 6}}, "step 20 has seen 5 tokens, step 10 before it 5; tokens must grow"),
        ({"tokens": {"ckpt_10": 1, 10: 2}}, "two names stand for one step"),
        ({"tokens": {"a1b2": 1}}, "'a1b2' does not name a step"),
        ({"tokens": {10: "many"}}, "'many' is not a number"),
        ({"tokens": {}}, "the table of tokens has no rows"),
        ({"tokens": 7}, "7 is neither a table {step: tokens}, nor a file, nor a list of pieces"),
        ({"tokens": "nowhere.tsv"}, "'nowhere.tsv' cannot be read"),
        ({"tokens": "tokens.txt"}, "'tokens.txt' is neither a .tsv nor a .csv file"),
        ({"tokens": []}, "at least one is needed"),
        ({"tokens": [{"per_step": 5}, {"per_step": 6}]}, "every piece but the last needs `until`"),
        ({"tokens": [{"per_step": 5, "until": 9}, {"per_step": 6, "until": 8}]}, "in the order of their `until`"),
        ({"tokens": [{"per_step": 5, "until": 30}]}, "the pieces end before step 40"),
        ({"tokens": [{"per_step": 0}]}, "positive whole number"),
        ({"tokens": [{"per_stepp": 5}]}, "did you mean 'per_step'"),
        ({"tokens": {10: 1, 20: 2, 40: 3}, "tokens_per_step": 5}, "both given; leave one out"),
    ],
)
def test_mistakes_say_what_to_do(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as error:
        Study.from_config(GOOD | {"checkpoints": GOOD["checkpoints"] | changes})
    assert said in str(error.value)


def test_two_tables_of_tokens_are_one_too_many() -> None:
    with pytest.raises(UserError, match="maps names to tokens, so `tokens` must be left out"):
        made({10: 1}, steps={"ckpt_1": 1})
    with pytest.raises(UserError, match="'main' does not name a step"):
        made(steps={"main": 1})


def test_a_file_that_names_a_step_twice(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    for text, said in (("step,tokens\n1,2\n1,3\n", "has step 1 twice"), ("step,seen\n1,2\n", "no column 'tokens'")):
        path.write_text(text)
        with pytest.raises(UserError, match=said):
            made(str(path))

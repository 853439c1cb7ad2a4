"""The look ahead: every mistake and oddity that a config and local files show, all at once."""

import csv
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.loading import loaded_by
from support.models import WINDOW, random_model, tokenizer
from trajectories.preflight.findings import Findings
from trajectories.preflight.stage import look_ahead
from trajectories.preflight.tokenizers import WINDOWS
from trajectories.scoring.ways import WINDOW_KEYS
from trajectories.study.config import Study
from trajectories.tables import COLUMNS, write_table

PLACES = ((" blue", " wide"), (" green", " seventeen"), (" old", " new"), (" a", " thirsty"))


def write_csv(path: Path, rows: list[tuple[str, tuple[str, ...], object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["prompt", "classes", "answer_index"])
        writer.writerows([prompt, json.dumps(choices), answer] for prompt, choices, answer in rows)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    random_model("gpt_neox").save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def root(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for model in ("a", "b"):
        for step in (1, 2):
            shutil.copytree(checkpoint, tmp_path / "runs" / model / f"step{step}")
    write_csv(tmp_path / "q.csv", [(f"Thing {k} is", PLACES[k % 4], k % 3 % 2) for k in range(12)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def study(**changes: Any) -> Study:
    config: dict[str, Any] = {
        "study": "x",
        "checkpoints": {"folder": "runs/{model}/step{step}", "tokens_per_step": 10},
        "models": [{"name": "a", "parameters": 10}, {"name": "b", "parameters": 20}],
        "steps": [1, 2],
        "tasks": [{"name": "t", "file": "q.csv"}],
    }
    return Study.from_config(config | changes)


def look(gpus: list[str] | None = None, results: Path = Path("results/x"), **changes: Any) -> Findings:
    return look_ahead(study(**changes), results=results, scratch=Path("scratch"), on_disk=2, gpus=gpus)


def suite(**changes: Any) -> Mapping[str, Any]:
    return {"folder": "runs/{model}/step{step}", "tokens_per_step": 10} | changes


def test_a_sound_study_is_let_through(root: Path) -> None:
    assert look(gpus=[]) == Findings()


def test_missing_steps_are_called_missing(root: Path) -> None:
    shutil.rmtree(root / "runs/b/step2")
    (mistake,) = look().mistakes
    assert mistake.startswith(
        "model b: step 2 is missing (runs/b/step2); take them out of steps, or set checkpoints.an"
    )
    assert look(checkpoints=suite(anomalies="exclude")) == Findings()
    (mistake,) = look(steps=[1, 2, 4, 8], models=[{"name": "a", "parameters": 10}]).mistakes
    assert "steps 4, 8 are missing" in mistake


def test_no_checkpoint_at_all_is_a_mistake_under_every_policy(root: Path) -> None:
    (mistake,) = look(models=[{"name": "z", "parameters": 10}], checkpoints=suite(anomalies="exclude")).mistakes
    assert mistake == f"model z: no checkpoint is there, looked for runs/z/step1 and others; paths count from {root}"


def test_a_folder_without_weights_is_named(root: Path) -> None:
    (root / "runs/a/step1/model.safetensors").unlink()
    (mistake,) = look().mistakes
    assert mistake.startswith("model a: runs/a/step1: has no complete set of weights")


def test_a_folder_without_a_tokenizer_names_the_cure(root: Path) -> None:
    for file in (root / "runs/a/step2").glob("*token*"):
        file.unlink()
    (mistake,) = look().mistakes
    assert mistake.startswith("runs/a/step2: has no tokenizer files; set checkpoints.tokenizer")
    assert look(checkpoints=suite(tokenizer="runs/b/step2")) == Findings()


@pytest.mark.parametrize("place", ["runs/nope", "./tok", "/nowhere/tok", "a/b/c"])
def test_a_tokenizers_folder_that_is_not_there_is_named(root: Path, place: str) -> None:
    (mistake,) = look(checkpoints=suite(tokenizer=place)).mistakes
    assert mistake.startswith(f"checkpoints.tokenizer: '{place}' is no folder here, nor a repository")
    assert look(checkpoints=suite(tokenizer="EleutherAI/pythia-70m@step1")) == Findings()  # the hub is not asked


def test_a_tokenizer_that_is_not_this_models_is_seen(root: Path) -> None:
    config = root / "runs/a/step2/config.json"
    whole = json.loads(config.read_text())
    config.write_text(json.dumps(whole | {"vocab_size": 60}))
    (mistake,) = look().mistakes
    assert "model a: its tokenizer has 400 tokens and uses number" in mistake
    assert "the model knows 60" in mistake
    config.write_text(json.dumps(whole | {"vocab_size": 50304}))
    (warning,) = look().warnings
    assert "has 400 tokens, the model knows 50304: is it the right one?" in warning


def test_a_damaged_tokenizer_is_named(root: Path) -> None:
    (root / "runs/a/step2/tokenizer.json").write_text("{")
    assert "runs/a/step2/tokenizer.json: is no tokenizer" in look().mistakes[0]


def test_prompts_longer_than_the_window_are_counted(root: Path) -> None:
    rows = [(f"Thing {k} is", PLACES[k % 4], k % 3 % 2) for k in range(12)]
    rows[5] = ("A stitch in time. " * 60, PLACES[1], 0)
    write_csv(root / "q.csv", rows)
    warnings = look().warnings
    assert any(f"1 of 12 questions are longer than the window of {WINDOW} tokens" in line for line in warnings)
    assert all("the first is question 5" in line for line in warnings)
    assert WINDOWS == WINDOW_KEYS


def test_every_file_is_read_and_every_mistake_said(root: Path) -> None:
    write_csv(root / "range.csv", [("a", (" b", " c"), 2)])
    (root / "latin.csv").write_bytes("prompt,classes,answer_index\ncafé,x,0\n".encode("latin-1"))
    write_csv(root / "bare.csv", [("a", ("b", "c"), 0), ("d", ("e", "f"), 1)])
    tasks = [{"name": name, "file": f"{name}.csv"} for name in ("range", "latin", "bare")]
    found = look(tasks=tasks, gpus=["0"], scoring={"device": "cuda:1"}, models=[{"name": "z", "parameters": 1}])
    said = ("task range, row 0 (line 2): answer index 2", "task latin: latin.csv: is not UTF-8", "model z: no",
            "scoring.device is 'cuda:1', and 1 GPU is here")  # fmt: skip
    assert len(found.mistakes) == len(said)
    for mistake, start in zip(found.mistakes, said, strict=True):
        assert mistake.startswith(start)
    assert found.warnings == [
        "task bare: 2 of 2 questions whose choices stand right behind the context, without a space, the first is "
        'question 0; set delimiter: " ", or begin choices with one'
    ]


def test_a_metric_that_cannot_be_computed_is_a_mistake(root: Path) -> None:
    (mistake,) = look(statistics={"metrics": {"t": "word_perplexity"}}).mistakes
    assert mistake.startswith("task t, question 0: is no running text, which the metric word_perplexity needs")


def test_gpus_elsewhere_are_not_missed(root: Path) -> None:
    assert look(gpus=None, scoring={"device": "cuda"}) == Findings()


def test_room_for_downloads(root: Path) -> None:
    hub = {"checkpoints": {"hub": "o/{model}", "tokens_per_step": 10}}
    models = [{"name": "big", "parameters": 1e17}]
    (warning,) = look(gpus=[], models=models, **hub).warnings
    assert warning.startswith("scratch: about 400000000.0 GB are needed for 2 downloaded checkpoints")
    rows = [dict.fromkeys(COLUMNS["checkpoints"]) for _ in range(2)]
    for step, row in enumerate(rows, 1):
        row |= {"model": "big", "step": step, "bytes": 10**17, "source": "hub:o/big", "used": True}
    write_table(pd.DataFrame(rows)[list(COLUMNS["checkpoints"])], root / "results/x/checkpoints.tsv", "checkpoints")
    (mistake,) = look(gpus=[], models=models, **hub).mistakes
    assert mistake.startswith("scratch: 200000000.0 GB are needed")
    for step in (1, 2):  # what is scored is not downloaded again
        (root / "results/x/scores/big").mkdir(parents=True, exist_ok=True)
        (root / f"results/x/scores/big/step{step}.parquet").touch()
    assert look(gpus=[], models=models, **hub) == Findings()


def test_what_is_imported_or_trained_first_is_not_looked_for(root: Path) -> None:
    absent = {"models": [{"name": "z", "parameters": 1}]}
    suite = {"folder": "results/{study}/suite/{model}/step{step}", "tokens_per_step": 1}
    assert look(pocket={"seed": 1}, checkpoints=suite, **absent) == Findings()
    assert look(**absent, **{"import": {"format": "tsv", "path": "x.tsv"}}) == Findings()


def test_nothing_heavy_is_loaded_for_it() -> None:
    """Every run begins with it: torch and transformers would cost seconds."""
    heavy = ("torch", "transformers", "datasets", "statsmodels")
    assert loaded_by("trajectories.preflight.stage", *heavy, "pydantic") == ["pydantic"]

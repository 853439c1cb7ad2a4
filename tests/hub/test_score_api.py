"""`score` from a notebook: checkpoints of the hub and of folders, questions as they come, one number in one line."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from support.hub_server import LocalHub
from support.models import random_model, save_checkpoint, tokenizer
from trajectories import Question, UserError, accuracy, score
from trajectories.scoring.api import as_questions

QUESTIONS = [
    Question("The sky is", (" blue", " wide", " green"), (1, 0, 0)),
    Question("Two plus two is", (" four", " five"), (1, 0)),
]
DICTS = [
    {"context": "The sky is", "choices": [" blue", " wide", " green"], "labels": [1, 0, 0]},
    {"context": "Two plus two is", "choices": (" four", " five"), "answer": 0},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("model"), seed=3)


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bin")
    random_model("gpt_neox", 3).config.save_pretrained(made)
    tokenizer().save_pretrained(made)
    torch.save(random_model("gpt_neox", 3).state_dict(), made / "pytorch_model.bin")
    return made


def test_texts_stand_beside_their_scores_and_questions_may_be_mappings(folder: Path) -> None:
    scores = score(folder, QUESTIONS, device="cpu")
    assert list(scores["text"]) == [" blue", " wide", " green", " four", " five"]
    assert list(score(folder, DICTS, device="cpu")["loglikelihood"]) == list(scores["loglikelihood"])
    for column in scores.columns:
        assert column in str(score.__doc__)


def test_one_number_in_one_line(folder: Path) -> None:
    scores = score(folder, QUESTIONS, device="cpu")
    best = scores.loc[scores.groupby("question")["loglikelihood"].idxmax(), "label"]
    assert accuracy(scores) == best.mean()
    probability = np.exp(scores["loglikelihood"])
    mass = probability.where(scores["label"] == 1, 0).groupby(scores["question"]).sum()
    assert accuracy(scores, "mc2") == pytest.approx((mass / probability.groupby(scores["question"]).sum()).mean())
    with pytest.raises(UserError, match="did you mean 'accuracy'"):
        accuracy(scores, "acuracy")
    with pytest.raises(UserError, match="perplexity"):
        accuracy(scores, "word_perplexity")


def test_bin_weights_come_from_the_hub(hub: LocalHub, folder: Path, bin_folder: Path) -> None:
    hub.commit("o/early", "step3000", bin_folder)
    hub.commit("o/early", "main", folder)
    expected = score(folder, QUESTIONS, device="cpu")["loglikelihood"]
    got = score("o/early", QUESTIONS, device="cpu", revision="step3000")["loglikelihood"]
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert any("pytorch_model.bin" in request.path for request in hub.seen)


def test_only_what_is_loaded_is_downloaded(hub: LocalHub, folder: Path, bin_folder: Path, tmp_path: Path) -> None:
    both = tmp_path / "both"
    shutil.copytree(folder, both)
    shutil.copy(bin_folder / "pytorch_model.bin", both)
    (both / "training.safetensors").write_bytes(b"x" * 100)
    hub.commit("o/both", "main", both)
    score("o/both", QUESTIONS, device="cpu")
    assert not [request for request in hub.seen if "pytorch_model" in request.path or "training" in request.path]


def test_what_is_in_the_cache_is_enough_without_a_network(
    hub: LocalHub, folder: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    hub.commit("o/m", "main", folder)
    before = score("o/m", QUESTIONS, device="cpu")["loglikelihood"]
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert list(score("o/m", QUESTIONS, device="cpu")["loglikelihood"]) == list(before)
    with pytest.raises(UserError, match=r"o/other at main: no answer from .*nothing of it in the hub cache"):
        score("o/other", QUESTIONS, device="cpu")
    assert sum(waits) < 20


@pytest.mark.parametrize("place", ["runs/m/step1", "./runs/m", "/nowhere/m", "~/m"])
def test_a_folder_that_is_not_there_is_not_asked_for_on_the_hub(place: str) -> None:
    with pytest.raises(UserError, match=f"^{place}: no such folder"):
        score(place, QUESTIONS, device="cpu")


def test_a_tokenizer_from_elsewhere(tmp_path: Path, folder: Path) -> None:
    random_model("gpt_neox", 3).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="in a notebook: tokenizer="):
        score(tmp_path, QUESTIONS, device="cpu")
    got = score(tmp_path, QUESTIONS, device="cpu", tokenizer=folder)["loglikelihood"]
    assert list(got) == list(score(folder, QUESTIONS, device="cpu")["loglikelihood"])


def test_types_and_devices_have_the_names_of_a_config(folder: Path) -> None:
    with pytest.raises(UserError, match="score: dtype is 'fp16': is called 'float16' here"):
        score(folder, QUESTIONS, dtype="fp16")
    with pytest.raises(UserError, match=r"score: device is 'gpu'.*did you mean 'cuda'"):
        score(folder, QUESTIONS, device="gpu")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (QUESTIONS[0], "one alone; give a list"),
        ([], "there are none"),
        ([{"prompt": "a", "classes": ["b", "c"]}], "question 0: has the keys prompt, classes; they must be context,"),
        ([{"context": "a", "choices": ["b", "c"]}], "labels (or answer)"),
        ([{"context": "a", "choices": ["b", "c"], "answer": 2}], "answer index 2 is out of range for 2 choices"),
        (
            [{"context": "a", "choices": ["b", "c"], "answer": 2}, {"choices": ["b", ""], "answer": 0}, 7],
            "choices (0 to 1); if answers count from 1, take one off\nquestion 1: ",
        ),
        ([7] * 9, "choices, and labels (or answer)\nand 4 more questions"),

        ([{"context": "a", "choices": "bc", "answer": 0}], "'bc', not a list"),
        ([QUESTIONS[0], ("a", ["b"])], "question 1: is a tuple"),
        ([{"context": "a", "choices": ["b", ""], "answer": 0}], "question 0: question 'a': choice 1 is empty"),
    ],
)  # fmt: skip
def test_what_is_no_question_is_told(given: object, said: str) -> None:
    with pytest.raises(UserError) as caught:
        as_questions(given)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_answers_are_said_as_in_files_and_data_frames_are_rows() -> None:
    rows = [{"context": "a", "choices": [" b", " c"], "answer": answer} for answer in (1, "B", "c", " c", "1")]
    assert [question.labels for question in as_questions(rows)] == [(0, 1)] * 5
    assert as_questions(pd.DataFrame(rows[:1])) == as_questions(rows[:1])


def test_a_tokenizer_that_cannot_be_had_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        UserError, match=r"^tokenizer: runs/nope is no folder here, and .*no answer from .*check the net"
    ):
        score(folder, QUESTIONS, device="cpu", tokenizer="runs/nope")

"""The protocol's `length_cap`: requests are cut on the left as a model with that window would cut them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from support.models import random_model, save_checkpoint, tokenizer
from trajectories import Question, score
from trajectories.errors import UserError
from trajectories.scoring.encode import encode
from trajectories.study.protocol import Protocol

TEXT = "A stitch in time saves nine. Absence makes the heart grow fonder. Question: is it true?"
QUESTION = Question(TEXT, (" Answer: yes", " Answer: no"), (1, 0))
CAP = 20


def test_scores_are_those_of_requests_cut_to_the_cap(tmp_path: Path) -> None:
    model, expected = random_model("llama"), []
    for choice in QUESTION.choices:
        head, whole = (tokenizer()(text)["input_ids"] for text in (QUESTION.context, QUESTION.context + choice))
        ids, counted = whole[-(CAP + 1) :], len(whole) - len(head)
        with torch.no_grad():
            logprob = model(torch.tensor([ids[:-1]])).logits[0].double().log_softmax(-1)[-counted:]
        expected.append(sum(float(row[token]) for row, token in zip(logprob, ids[-counted:], strict=True)))
    folder = save_checkpoint(tmp_path, "llama")
    capped = score(folder, [QUESTION], device="cpu", protocol={"preset": "harness", "length_cap": CAP})
    np.testing.assert_allclose(capped["loglikelihood"], expected, atol=1e-4)
    whole_scores = score(folder, [QUESTION], device="cpu")["loglikelihood"]
    assert np.abs(whole_scores - capped["loglikelihood"]).min() > 1e-2, "the cap changes nothing here"


def test_a_choice_longer_than_the_cap_is_refused() -> None:
    with pytest.raises(UserError, match=r"its choice alone is longer than protocol\.length_cap of 2 tokens"):
        encode({"t": [QUESTION]}, {"t": ""}, tokenizer(), Protocol(length_cap=2))


def test_a_running_text_is_cut_into_windows_of_the_cap_that_count_every_token_once() -> None:
    running = Question("", (TEXT,), (1,), running=True)
    uncut = encode({"t": [running]}, {"t": ""}, tokenizer(), Protocol())
    requests = encode({"t": [running]}, {"t": ""}, tokenizer(), Protocol(length_cap=CAP))
    assert int(requests.lengths.max()) <= CAP + 1
    assert len(requests) > 1
    for window in (CAP, 7):  # a model's own shorter window cuts once more
        again = requests.within(window)
        assert int(again.lengths.max()) <= window + 1
        assert int(again.counted.sum()) == int(uncut.counted.sum())

"""Running texts, contexts per choice, single and unconditional choices: what the harness's own backend gives."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from support.models import TEXT, WINDOW, random_model, tokenizer
from trajectories import Question
from trajectories.errors import UserError
from trajectories.scoring.encode import encode
from trajectories.scoring.engine import Engine
from trajectories.scoring.requests import RUNNING, build_requests
from trajectories.scoring.scores import score_table
from trajectories.study.protocol import Protocol

TEXTS = ("The quick", " ".join(TEXT), " ".join(TEXT * 4) + "\n\n naïve ☃", "<|endoftext|>One and one")
RUNNING_TEXTS = [Question("", (text,), (1,), running=True) for text in TEXTS]
SPLIT = [
    Question("", (" is wide", " is wide"), (0, 1), contexts=("A stitch", "The grass is green, the sea")),
    Question("The sky is", (" blue",), (1,)),
    Question("The sky is", (" blue", " wet"), (1, 0)),
]


@pytest.fixture(scope="module")
def model() -> Any:
    return random_model("gpt_neox")


@pytest.fixture(scope="module")
def harness(model: Any) -> HFLM:
    return HFLM(pretrained=model, tokenizer=tokenizer(), batch_size=4, device="cpu")


def scores(model: Any, questions: list[Question], unconditional: tuple[str, ...] = ()) -> pd.DataFrame:
    requests = encode({"t": questions}, {"t": ""}, tokenizer(), Protocol(), unconditional)
    return score_table(Engine(model, pack_tokens=50).score(requests))


def test_running_texts_are_scored_as_the_harness_rolls(model: Any, harness: HFLM) -> None:
    table = scores(model, [*RUNNING_TEXTS, *SPLIT])
    instances = [Instance("loglikelihood_rolling", {}, (text,), number) for number, text in enumerate(TEXTS)]
    running = table[table["running"]]
    assert running["loglikelihood"].tolist() == pytest.approx(harness.loglikelihood_rolling(instances), abs=1e-4)
    assert running["tokens"].tolist() == [len(harness.tok_encode(text)) for text in TEXTS]
    assert running["tokens"].max() > 3 * WINDOW
    assert running["bytes"].tolist() == [len(text.encode()) for text in TEXTS]
    assert running["words"].tolist() == [len(text.split()) for text in TEXTS]
    assert table["question"].tolist() == [0, 1, 2, 3, 4, 4, 5, 6, 6]


def test_contexts_and_single_choices_are_scored_as_in_the_harness(model: Any, harness: HFLM) -> None:
    table = scores(model, SPLIT, unconditional=("t",))
    pairs = [(question.context_of(c), text) for question in SPLIT for c, text in enumerate(question.choices)]
    for column, asked in (("loglikelihood", pairs), ("unconditional", [("", text) for _, text in pairs])):
        instances = [Instance("loglikelihood", {}, pair, number) for number, pair in enumerate(asked)]
        expected = [value for value, _ in harness.loglikelihood(instances, disable_tqdm=True)]
        assert table[column].tolist() == pytest.approx(expected, abs=1e-4)
    assert scores(model, SPLIT)["unconditional"].isna().all()


@given(tokens=st.integers(1, 60), window=st.integers(1, 20))
def test_windows_are_cut_as_the_harness_cuts_them(tokens: int, window: int) -> None:
    text = list(range(1, tokens + 1))
    columns = {"counted": [tokens], "kind": [RUNNING]} | {
        name: [0] for name in ("task", "question", "choice", "label", "characters")
    }
    cut = build_requests(["t"], [[0, *text]], columns).within(window)
    found = sorted((cut.ids(k).tolist(), int(cut.counted[k])) for k in range(len(cut)))
    theirs = map(make_disjoint_window, get_rolling_token_windows(text, 0, window, 1))
    assert found == sorted(([*before, *counted], len(counted)) for before, counted in theirs)


def test_a_running_text_is_cut_beside_choices_that_lose_their_beginning() -> None:
    ids = [list(range(30)), list(range(40, 70))]
    zeros = {name: [0, 0] for name in ("task", "choice", "label", "characters")}
    columns = zeros | {"question": [0, 1], "counted": [29, 2], "kind": [RUNNING, 0]}
    requests = build_requests(["t"], ids, columns)
    cut = requests.within(10)
    assert requests.longer_than(10) == 1
    assert int(cut.lengths.max()) == 11
    assert int(cut.counted[cut.question == 0].sum()) == 29
    assert [cut.ids(k).tolist() for k in range(len(cut)) if cut.question[k] == 1] == [list(range(59, 70))]
    assert all(a <= b for a, b in pairwise(cut.ids(k).tolist() for k in range(len(cut))))
    assert np.unique(cut.tokens).tolist() == [*range(30), *range(59, 70)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ({"choices": ("",), "labels": (1,), "running": True}, "the running text is empty"),
        ({"choices": ("a", "b"), "labels": (1, 0), "running": True}, "a running text is one choice"),
        ({"choices": ("a", "b"), "labels": (1, 0), "contexts": ("x",)}, "2 choices but 1 contexts"),
        ({"choices": ("a",), "labels": (1,), "contexts": ("x",), "context": "y"}, "give one of them"),
        ({"choices": ("a", ""), "labels": (1, 0)}, "choice 1 is empty"),
        ({"choices": ("a",), "labels": (1,), "measured": ("",)}, "a measured text is empty"),
        ({"choices": (), "labels": ()}, "at least 1 is needed"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(question: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        Question(**{"context": ""} | question)

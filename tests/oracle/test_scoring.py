"""Every score equals one plain forward pass of that one sequence, whatever the packs and the order."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from support.models import WINDOW, random_model, save_checkpoint, tokenizer
from trajectories import Question, score
from trajectories.errors import UserError
from trajectories.scoring.check import trusted
from trajectories.scoring.encode import encode
from trajectories.scoring.engine import LEAST_ROOT, Engine
from trajectories.scoring.plain import PlainEngine
from trajectories.scoring.prefix_tree import build_tree
from trajectories.scoring.requests import Requests
from trajectories.scoring.scores import score_table
from trajectories.study.protocol import PRESETS, Protocol

AWKWARD = [
    Question("The sky is", (" blue", " blue sky", " blue sky is wide", " green"), (1, 0, 0, 0)),
    Question("The sky is", (" blue", " blue", " wet"), (1, 1, 0)),  # identical choices, a context seen before
    Question("The sky is blue", (" sky", " wide"), (0, 1)),  # equal tokens, other split
    Question("The sky  ", (" is", "is", "\nis"), (1, 0, 0)),  # a context that ends in spaces
    Question("", (" The", "The quick brown fox", "☃"), (1, 0, 0)),  # no context
    Question(" \n ", ("The", " quick"), (1, 0)),  # nothing but white space
    Question("naïve café", (" ☃ snowman", " naïve"), (0, 1)),
    Question("The quick brown f", ("ox jumps", " ox"), (1, 0)),  # a merge across the boundary
    Question("A stitch in time saves nine. " * 30, (" Absence", " yes, no."), (1, 0)),  # longer than the window
    Question("Two plus two is four. Three plus five is", (" eight", " four", " three"), (1, 0, 0)),
]
SEPARATE = Protocol(encoding="separate", choice_prefix=" ")


def plain_scores(model: torch.nn.Module, requests: Requests) -> list[tuple[float, bool]]:
    """An independent way: the sequence, one forward pass, pick and add."""
    results = []
    for k in range(len(requests)):
        ids = requests.ids(k).tolist()[-(WINDOW + 1) :]
        counted = int(requests.counted[k])
        with torch.no_grad():
            logits = model(torch.tensor([ids[:-1]])).logits[0].double()
        logprobs = torch.log_softmax(logits, dim=-1)[-counted:]
        chosen = [float(logprobs[i, token]) for i, token in enumerate(ids[-counted:])]
        results.append((sum(chosen), logprobs.argmax(-1).tolist() == ids[-counted:]))
    return results


def assert_equals_plain(engine: Engine | PlainEngine, requests: Requests) -> None:
    scored = engine.score(requests)
    expected = {
        (requests.task[k], requests.question[k], requests.choice[k]): value
        for k, value in enumerate(plain_scores(engine.model, requests))
    }
    ran = scored.requests
    for k in range(len(ran)):
        loglikelihood, greedy = expected[(ran.task[k], ran.question[k], ran.choice[k])]
        assert scored.loglikelihood[k] == pytest.approx(loglikelihood, abs=1e-4)
        assert bool(scored.is_greedy[k]) == greedy


@pytest.mark.parametrize("kind", ["gpt_neox", "llama"])
@pytest.mark.parametrize("pack_tokens", [1, 7, 50, 1000])
@pytest.mark.parametrize("protocol", [PRESETS["harness"], SEPARATE], ids=["joint", "separate"])
def test_tree_scores_equal_plain_forward_passes(kind: str, pack_tokens: int, protocol: Protocol) -> None:
    questions = AWKWARD if protocol.encoding == "joint" else [q for q in AWKWARD if q.context.strip()]
    requests = encode({"t": questions}, {"t": ""}, tokenizer(), protocol)
    assert_equals_plain(Engine(random_model(kind), pack_tokens=pack_tokens), requests)


def test_a_shared_preamble_becomes_a_cached_root() -> None:
    preamble = "A stitch in time saves nine. Two plus two is four. "
    questions = [Question(preamble + q.context, q.choices, q.labels) for q in AWKWARD[:4]]
    requests = encode({"t": questions}, {"t": ""}, tokenizer(), Protocol())
    assert build_tree(requests, LEAST_ROOT).root >= LEAST_ROOT
    assert_equals_plain(Engine(random_model("gpt_neox"), pack_tokens=12), requests)


@pytest.mark.parametrize(
    ("kind", "way"), [("gpt_neox", "tree"), ("llama", "tree"), ("mistral", "windows"), ("bloom", "tree")]
)
def test_a_model_that_takes_trees_is_trusted(kind: str, way: str) -> None:
    # BLOOM names no window, so nothing is cut; the long one is left out
    requests = encode({"t": AWKWARD if kind != "bloom" else AWKWARD[:8]}, {"t": ""}, tokenizer(), Protocol())
    engine = trusted(Engine(random_model(kind), pack_tokens=40), requests)
    assert isinstance(engine, Engine)
    scored = engine.score(requests)
    assert scored.way == way
    assert scored.proofs["leak"] == 0
    assert_equals_plain(engine, requests)


def frame(engine: Engine, questions: dict[str, list[Question]]) -> pd.DataFrame:
    return score_table(engine.score(encode(questions, dict.fromkeys(questions, ""), tokenizer(), Protocol())))


def test_company_order_and_pack_size_change_nothing() -> None:
    engine = Engine(random_model("gpt_neox"), pack_tokens=40)
    alone = frame(engine, {"t": AWKWARD})
    reversed_ = frame(engine, {"t": AWKWARD[::-1]})
    together = frame(engine, {"other": AWKWARD[::2], "t": AWKWARD}).query("task == 't'")
    turned = pd.concat([part for _, part in list(reversed_.groupby("question"))[::-1]])
    for other in (together, turned, frame(Engine(engine.model, pack_tokens=9), {"t": AWKWARD})):
        np.testing.assert_allclose(other.loglikelihood, alone.loglikelihood, atol=2e-5)
    pd.testing.assert_frame_equal(frame(engine, {"t": AWKWARD}), alone, check_exact=True)


def test_score_works_on_a_folder(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "checkpoint")
    questions = [Question("Two plus two is", (" four", " five"), (1, 0))]
    scores = score(folder, questions, device="cpu", dtype="float32", unconditional=True)
    assert list(scores.columns) == [
        "task", "question", "choice", "text", "label", "loglikelihood", "tokens", "characters", "bytes", "words",
        "is_greedy", "unconditional", "running",
    ]  # fmt: skip
    assert scores.choice.tolist() == [0, 1]
    assert scores.label.tolist() == [1, 0]
    assert scores.characters.tolist() == [5, 5]
    for column, context in (("loglikelihood", "Two plus two is"), ("unconditional", "")):
        alone = [Question(context, (" four", " five"), (1, 0))]
        requests = encode({"t": alone}, {"t": ""}, tokenizer(), Protocol())
        expected = sorted(value for value, _ in plain_scores(random_model("gpt_neox"), requests))
        assert sorted(scores[column]) == pytest.approx(expected, abs=1e-4)


def test_infinite_scores_stop_with_their_place() -> None:
    model = random_model("gpt_neox")
    with torch.no_grad():
        model.lm_head.weight[7] = float("nan")
    requests = encode({"t": AWKWARD[:1]}, {"t": ""}, tokenizer(), Protocol())
    with pytest.raises(UserError, match=r"task t, question 0, choice \d: log-likelihood is nan"):
        Engine(model).score(requests)


def test_running_out_of_memory_halves_the_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    from trajectories.scoring.forward import TreeForward

    run = TreeForward.__call__

    def limited(self: TreeForward, pack):  # type: ignore[no-untyped-def]
        if len(pack.tokens) > 30:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return run(self, pack)

    requests = encode({"t": AWKWARD[:8]}, {"t": ""}, tokenizer(), Protocol())
    expected = Engine(random_model("gpt_neox"), pack_tokens=100).score(requests)
    monkeypatch.setattr(TreeForward, "__call__", limited)
    scored = Engine(random_model("gpt_neox"), pack_tokens=100).score(requests)
    assert scored.pack_tokens == 25
    np.testing.assert_allclose(scored.loglikelihood, expected.loglikelihood, atol=1e-5)


def test_a_choice_that_merges_into_the_context_is_refused() -> None:
    vocabulary = sorted(tokenizer().get_vocab())
    word = next(word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 1)
    with pytest.raises(UserError, match=r"question 0, choice 0: .* merges into the context's last token"):
        encode({"t": [Question(word[0], (word[1:], " x"), (1, 0))]}, {"t": ""}, tokenizer(), Protocol())

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from trajectories.errors import UserError
from trajectories.pocket import training
from trajectories.pocket.shapes import SUITE, PocketShape, shape_of
from trajectories.pocket.tokens import TOKENIZER, VOCABULARY, read_tokens
from trajectories.pocket.training import learning_rate, train_model

from .conftest import STEPS

Corpus = Callable[[int], Path]
TINY = PocketShape(width=16, layers=1, heads=1, learning_rate=1e-2)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = AutoModelForCausalLM.from_pretrained(folder).state_dict()
    return state


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[key], other[key]) for key in one)


def test_checkpoints_are_ordinary_folders(corpus_of: Corpus, tmp_path: Path) -> None:
    train_model("tiny", TINY, 1, [1, 2, 4], corpus_of(1), tmp_path, 1)
    assert {entry.name for entry in tmp_path.iterdir()} == {"step1", "step2", "step4"}
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "step2")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "step2")
    ids = tokenizer("Actions speak louder than", return_tensors="pt")
    assert model(**ids).logits.shape == (1, ids["input_ids"].shape[1], VOCABULARY)
    assert model.config.architectures == ["GPTNeoXForCausalLM"]
    assert not same(weights(tmp_path / "step1"), weights(tmp_path / "step2"))
    assert not same(weights(tmp_path / "step2"), weights(tmp_path / "step4"))


def test_same_seed_same_weights_other_seed_others(corpus_of: Corpus, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train_model("tiny", TINY, seed, [1, 3], corpus_of(1), tmp_path / name, 1)
    a, b, c = (weights(tmp_path / name / "step3") for name in "abc")
    assert same(a, b)
    assert not same(a, c)


def test_keeping_a_checkpoint_does_not_disturb_the_training(corpus_of: Corpus, tmp_path: Path) -> None:
    train_model("tiny", TINY, 1, [1, 2, 3], corpus_of(1), tmp_path / "all", 1)
    train_model("tiny", TINY, 1, [3], corpus_of(1), tmp_path / "last", 1)
    assert same(weights(tmp_path / "all" / "step3"), weights(tmp_path / "last" / "step3"))


def test_step_k_has_taken_k_updates_on_the_first_k_batches(corpus_of: Corpus, tmp_path: Path) -> None:
    """Against a plain loop that writes the optimiser's update (AdamW) out by hand."""
    train_model("tiny", TINY, 7, [1, 2], corpus_of(1), tmp_path, 1)
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(TINY.config())
    kept: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for step, batch in enumerate(read_tokens(corpus_of(1), 2), start=1):
        ids = torch.from_numpy(batch.astype("int64"))
        scores = model(input_ids=ids).logits[:, :-1].log_softmax(-1)
        loss = -scores.gather(-1, ids[:, 1:, None]).mean()
        grads = dict(
            zip(dict(model.named_parameters()), torch.autograd.grad(loss, list(model.parameters())), strict=True)
        )
        norm = torch.sqrt(sum((grad**2).sum() for grad in grads.values()))  # type: ignore[arg-type]
        rate = TINY.learning_rate * (1.0 if step == 1 else 0.1)  # two steps: the first is the peak, the second the end
        with torch.no_grad():
            for name, weight in model.named_parameters():
                grad = grads[name] / torch.clamp(norm, min=1.0)
                first, second = kept.get(name, (torch.zeros_like(weight), torch.zeros_like(weight)))
                first, second = 0.9 * first + 0.1 * grad, 0.95 * second + 0.05 * grad**2
                kept[name] = first, second
                update = first / (1 - 0.9**step) / (torch.sqrt(second / (1 - 0.95**step)) + 1e-8)
                weight.copy_(weight * (1 - rate * 0.01) - rate * update)
    written = weights(tmp_path / "step2")
    for name, weight in model.named_parameters():
        assert (weight - written[name]).abs().max() < 0.05 * TINY.learning_rate, name


def test_training_learns(corpus_of: Corpus, tmp_path: Path) -> None:
    train_model("tiny", TINY, 1, [1, STEPS], corpus_of(1), tmp_path, 1)
    ids = torch.from_numpy(read_tokens(corpus_of(2), 1)[0].astype("int64"))
    losses = [
        AutoModelForCausalLM.from_pretrained(tmp_path / step)(input_ids=ids, labels=ids).loss.item()
        for step in ("step1", f"step{STEPS}")
    ]
    assert losses[1] < losses[0] - 0.01


def test_torch_is_left_as_it_was(corpus_of: Corpus, tmp_path: Path) -> None:
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.random.get_rng_state()
    train_model("tiny", TINY, 1, [1], corpus_of(1), tmp_path, 1)
    after = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.random.get_rng_state()
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])


def test_a_crash_while_writing_leaves_whole_checkpoints_only(
    corpus_of: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_model = training._new_model

    def breaking(shape: PocketShape) -> object:
        model = new_model(shape)
        save, calls = model.save_pretrained, []

        def save_once(folder: Path) -> None:
            save(folder)
            calls.append(folder)
            if len(calls) == 2:
                raise OSError("no space left on device")

        model.save_pretrained = save_once
        return model

    monkeypatch.setattr(training, "_new_model", breaking)
    with pytest.raises(OSError, match="no space left"):
        train_model("tiny", TINY, 1, [1, 2, 3], corpus_of(1), tmp_path, 1)
    assert [entry.name for entry in tmp_path.iterdir()] == ["step1"]


def test_too_many_steps_for_the_corpus_is_one_line(corpus_of: Corpus, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="are needed"):
        train_model("tiny", TINY, 1, [STEPS + 1], corpus_of(1), tmp_path, 1)


def test_the_learning_rate_rises_then_falls_to_a_tenth() -> None:
    rates = [learning_rate(step, 1000) for step in range(1, 1001)]
    assert rates[0] == pytest.approx(1 / 20)
    assert rates.index(max(rates)) == 19
    assert rates[19] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.1)
    assert rates[20:] == sorted(rates[20:], reverse=True)
    assert learning_rate(1, 1) == 1.0


@pytest.mark.parametrize("name", SUITE)
def test_a_shape_counts_its_parameters(name: str) -> None:
    shape = SUITE[name]
    model = AutoModelForCausalLM.from_config(shape.config())
    assert sum(weight.numel() for weight in model.parameters()) == shape.parameters
    assert model.get_input_embeddings().weight.numel() * 2 == shape.embeddings
    assert model.get_input_embeddings().weight is not model.get_output_embeddings().weight
    assert model.config.use_parallel_residual
    assert model.config.rope_parameters["partial_rotary_factor"] == 0.25


def test_sizes_are_about_a_factor_of_three_apart() -> None:
    counts = [shape.parameters for shape in SUITE.values()]
    assert len(counts) >= 4
    assert all(2.5 <= large / small <= 3.5 for small, large in pairwise(counts))


def test_an_unknown_model_is_named_with_the_known_ones() -> None:
    assert shape_of("pocket-1m") is SUITE["pocket-1m"]
    with pytest.raises(UserError, match=r"'pocket-9m' is not in the pocket suite; it has pocket-39k, pocket-104k"):
        shape_of("pocket-9m")


def test_the_tokenizer_goes_with_every_checkpoint(corpus_of: Corpus, tmp_path: Path) -> None:
    train_model("tiny", TINY, 1, [1], corpus_of(1), tmp_path, 1)
    assert (tmp_path / "step1" / "tokenizer.json").read_bytes() == (
        corpus_of(1) / TOKENIZER / "tokenizer.json"
    ).read_bytes()

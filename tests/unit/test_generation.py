"""Greedy texts: batches with a cache write what one prompt at a time writes without one."""

from typing import Any

import pytest
import torch

from support.models import WINDOW, random_model, tokenizer
from trajectories.errors import UserError
from trajectories.scoring.generation import Length, Writer

SHARED = "The quick brown fox jumps over the lazy dog. Question: is it true?"
PROMPTS = [SHARED + end for end in (" Yes", " The sky is blue, and", " no", " Two plus two is", " A")]
APART = ["The sky is", "Two plus two is four. Three plus", "A", "naïve café ☃ snow", "Answer: yes, no."]
KINDS = ["gpt_neox", "llama", "mistral", "bloom"]


def decode(ids: list[int]) -> str:
    return str(tokenizer().decode(ids))


def encoded(texts: list[str]) -> list[list[int]]:
    return [tokenizer()(text)["input_ids"] for text in texts]


@torch.inference_mode()
def one_at_a_time(model: Any, prompt: list[int], length: Length) -> list[int]:
    """The most probable token after a plain pass over all tokens, again and again."""
    ids: list[int] = list(prompt)[-(WINDOW - length.new_tokens) :]
    written: list[int] = []
    while len(written) < length.new_tokens and not length.ended(decode(written)):
        token = int(model(torch.tensor([ids + written]), use_cache=False).logits[0, -1].argmax())
        if token == model.config.eos_token_id:
            break
        written.append(token)
    return written


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("texts", [PROMPTS, APART], ids=["shared", "apart"])
def test_batches_write_what_one_at_a_time_writes(kind: str, texts: list[str]) -> None:
    model, prompts, length = random_model(kind), encoded(texts), Length(12)
    found = Writer(model, WINDOW, decode, pack_tokens=200).write(prompts, length)
    assert found == [one_at_a_time(model, prompt, length) for prompt in prompts]
    assert len({tuple(ids) for ids in found}) > 1


@pytest.mark.parametrize("kind", ["gpt_neox", "llama"])
def test_a_stop_string_and_the_end_token_end_a_text(kind: str) -> None:
    model, prompts = random_model(kind), encoded(PROMPTS)
    free = Writer(model, WINDOW, decode).write(prompts, Length(12))
    model.generation_config.eos_token_id = model.config.eos_token_id = free[0][5]
    length = Length(12, (decode(free[1][3:4]),))
    found = Writer(model, WINDOW, decode).write(prompts, length)
    assert found == [one_at_a_time(model, prompt, length) for prompt in prompts]
    assert len(found[0]) < 6
    assert len(found[1]) <= 4
    assert length.stop[0] not in length.cut(decode(found[1]))


def test_what_prompts_share_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model("gpt_neox")
    prompts, sizes = encoded(PROMPTS), []
    forward = model.gpt_neox.forward

    def counted(*args: Any, **given: Any) -> Any:
        sizes.append((args[0] if args else given["input_ids"]).shape[1])
        return forward(*args, **given)

    monkeypatch.setattr(model.gpt_neox, "forward", counted)
    Writer(model, WINDOW, decode, pack_tokens=60).write(prompts, Length(2))
    longest = max(map(len, prompts))
    assert sizes.count(sizes[0]) == 1
    assert all(size <= longest - sizes[0] for size in sizes[1:])
    assert len(sizes) > 3  # more than one batch went on from it


def test_half_the_batch_after_running_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model, prompts, length = random_model("llama"), encoded(APART), Length(4)
    whole = Writer(model, WINDOW, decode, pack_tokens=400)
    expected = whole.write(prompts, length)
    generate = model.generate

    def small_memory(**given: Any) -> Any:
        if given["input_ids"].numel() > 30:
            raise torch.OutOfMemoryError
        return generate(**given)

    monkeypatch.setattr(model, "generate", small_memory)
    assert whole.write(prompts, length) == expected
    assert whole.pack_tokens < 400


def test_a_long_prompt_loses_its_beginning_and_new_tokens_must_fit() -> None:
    model, length = random_model("gpt_neox"), Length(10)
    prompts = encoded([" ".join(APART) * 4, "The sky is"])
    assert len(prompts[0]) > WINDOW
    found = Writer(model, WINDOW, decode).write(prompts, length)
    assert found == [one_at_a_time(model, prompt, length) for prompt in prompts]
    with pytest.raises(UserError, match=r"answer\.new_tokens: 96 leave no place .* window of 96 tokens"):
        Writer(model, WINDOW, decode).write(prompts, Length(WINDOW))

"""Tokenizers do what their own files say, put nothing behind a text, and are there."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import ByT5Tokenizer, CTRLTokenizer, PreTrainedTokenizerFast

from support.models import TEXT, random_model, save_checkpoint, tokenizer
from trajectories import Question, score
from trajectories.errors import UserError
from trajectories.scoring.encode import encode
from trajectories.scoring.tokenizer import open_tokenizer
from trajectories.study.protocol import Protocol

CL100K = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
SPLITTERS = {
    "cl100k": [pre_tokenizers.Split(Regex(CL100K), "isolated"), BYTES],
    "digits": [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)],
    "bytes alone": [BYTES],
    "lines": [pre_tokenizers.Split("\n", "isolated"), BYTES],
}  # fmt: skip
SAMPLE = [*TEXT * 3, *["\n\nQ: 2023 1997 650841823\n\nA: 2023\n\n", "list:\n    12 apples\n    7 pears\n\t\tb\n"] * 20]


def core(splitter: list[Any], **options: Any) -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(splitter)
    made.decoder = decoders.ByteLevel()
    if "normalizer" in options:
        made.normalizer = options["normalizer"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|endoftext|>", "[CLS]", "[SEP]"]
    made.train_from_iterator(
        SAMPLE,
        trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    return made


@cache
def composed(splitter: str) -> Tokenizer:
    """A tokenizer with this splitter, after composing accents."""
    return core(SPLITTERS[splitter], normalizer=normalizers.NFC())


@pytest.mark.parametrize("model_type", [None, "llama", "olmo"])
@pytest.mark.parametrize("kind", ["GPT2Tokenizer", "GPTNeoXTokenizer", "LlamaTokenizer", "PreTrainedTokenizerFast"])
@pytest.mark.parametrize("splitter", SPLITTERS)
def test_ids_are_those_of_tokenizer_json(tmp_path: Path, splitter: str, kind: str, model_type: str | None) -> None:
    own = composed(splitter)
    own.save(str(tmp_path / "tokenizer.json"))
    special = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind, **special}))
    if model_type:
        (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    opened = open_tokenizer(tmp_path)
    for text in (*SAMPLE, "x = 1234567\n    return\n", "e\u0301 naïve ☃ 北京"):
        assert opened.tokenizer(text, add_special_tokens=False)["input_ids"] == own.encode(text).ids, text


def test_what_was_followed_is_said(tmp_path: Path) -> None:
    core(SPLITTERS["cl100k"]).save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer"}))
    (note,) = open_tokenizer(tmp_path).notes
    assert "GPT2Tokenizer has another pre_tokenizer than tokenizer.json" in note


def test_nothing_is_said_where_nothing_differs(tmp_path: Path, shared_data: Path) -> None:
    """Pythia's own tokenizer, as its repositories have it."""
    (tmp_path / "tokenizer.json").write_bytes((shared_data / "tokenizer/20B_tokenizer.json").read_bytes())
    special = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "add_prefix_space": False}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPTNeoXTokenizer", **special}))
    assert open_tokenizer(tmp_path).notes == ()


def ending_with(template: str) -> PreTrainedTokenizerFast:
    made = core([pre_tokenizers.ByteLevel(add_prefix_space=False)])
    ids = [(token, made.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single=template, special_tokens=ids)
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="[CLS]", eos_token="[SEP]")


@pytest.mark.parametrize("encoding", ["joint", "separate"])
@pytest.mark.parametrize("template", ["[CLS] $A [SEP]", "$A [SEP]", "[CLS] $A [SEP] [SEP]"])
def test_tokens_behind_a_text_are_left_out(tmp_path: Path, template: str, encoding: str) -> None:
    own = ending_with(template)
    model = random_model("llama")
    model.save_pretrained(tmp_path)
    own.save_pretrained(tmp_path)
    question = Question("The sky is", (" blue", " wide", " green"), (1, 0, 0))
    head = own.convert_tokens_to_ids(["[CLS]"]) if template.startswith("[CLS]") else []
    head += own(question.context, add_special_tokens=False)["input_ids"]
    expected = []
    for choice in question.choices:
        tail = own(choice, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logprob = model(torch.tensor([head + tail[:-1]])).logits[0].double().log_softmax(-1)[-len(tail) :]
        expected.append(sum(float(row[token]) for row, token in zip(logprob, tail, strict=True)))
    got = score(tmp_path, [question], device="cpu", protocol={"preset": "harness", "encoding": encoding})
    np.testing.assert_allclose(got["loglikelihood"], expected, atol=1e-4)
    assert got["loglikelihood"].nunique() == 3
    assert "[SEP]" in open_tokenizer(tmp_path).notes[0]


def slow_ctrl(folder: Path) -> Any:
    (folder / "vocab.json").write_text(
        json.dumps({"<unk>": 0, "the": 1, "sky": 2, "is": 3, "blue": 4, "wi@@": 5, "de": 6})
    )
    (folder / "merges.txt").write_text(
        "#version: 0.2\nt h\nth e</w>\ns k\nsk y</w>\ni s</w>\nb l\nbl u\nblu e</w>\nw i\nd e</w>\n"
    )
    return CTRLTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))


@pytest.mark.parametrize("make", [lambda folder: ByT5Tokenizer(), slow_ctrl], ids=["ByT5", "CTRL"])
def test_tokenizers_without_a_fast_version_work(tmp_path: Path, make: Any) -> None:
    own = make(tmp_path)
    own.save_pretrained(tmp_path / "a")
    own.save_pretrained(tmp_path / "b")
    opened = open_tokenizer(tmp_path / "a")
    assert opened.digest == open_tokenizer(tmp_path / "b").digest
    save_checkpoint(tmp_path / "c")
    assert opened.digest != open_tokenizer(tmp_path / "c").digest
    requests = encode(
        {"t": [Question("the sky is", (" blue", " wide"), (1, 0))]}, {"t": ""}, opened.tokenizer, Protocol()
    )
    for k in range(len(requests)):
        text = "the sky is" + (" blue", " wide")[requests.choice[k]]
        assert list(requests.ids(k)) == own(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("kind", ["gpt_neox", "llama", "bloom"])
def test_a_checkpoint_without_tokenizer_files_is_told_apart(tmp_path: Path, kind: str) -> None:
    random_model(kind).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"has no tokenizer files; set checkpoints\.tokenizer"):
        open_tokenizer(tmp_path)


def test_an_empty_tokenizer_is_refused(tmp_path: Path) -> None:
    random_model("gpt_neox").save_pretrained(tmp_path)
    config = {"tokenizer_class": "GPTNeoXTokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"its tokenizer is empty.*set checkpoints\.tokenizer"):
        open_tokenizer(tmp_path)


def test_a_tokenizer_of_todays_tests_says_nothing(tmp_path: Path) -> None:
    tokenizer().save_pretrained(tmp_path)
    assert open_tokenizer(tmp_path).notes == ()


def test_a_length_that_tokenizer_json_holds_cuts_nothing(tmp_path: Path) -> None:
    """Trainers leave truncation and padding in the file they save."""
    own = core([pre_tokenizers.ByteLevel(add_prefix_space=False)])
    expected = own.encode(SAMPLE[0]).ids
    own.enable_truncation(max_length=4)
    own.enable_padding(length=64)
    own.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    opened = open_tokenizer(tmp_path).tokenizer
    assert opened([SAMPLE[0], "a"], add_special_tokens=True)["input_ids"][0] == expected


@pytest.mark.parametrize("added", [{"add_eos_token": True}, {"add_bos_token": True, "add_eos_token": True}])
def test_an_eos_that_the_config_asks_for_is_left_out_too(tmp_path: Path, added: dict[str, bool]) -> None:
    core([pre_tokenizers.ByteLevel(add_prefix_space=False)]).save(str(tmp_path / "tokenizer.json"))
    special = {"bos_token": "[CLS]", "eos_token": "[SEP]", **added}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer", **special}))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    opened = open_tokenizer(tmp_path).tokenizer
    questions = {"t": [Question("The sky is", (" blue", " wide"), (1, 0))]}
    requests = encode(questions, {"t": ""}, opened, Protocol())
    end = opened.convert_tokens_to_ids("[SEP]")
    assert all(end not in requests.ids(k) for k in range(len(requests)))

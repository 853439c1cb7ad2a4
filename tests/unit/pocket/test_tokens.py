from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from trajectories.errors import UserError
from trajectories.pocket import tokens
from trajectories.pocket.corpus import documents
from trajectories.pocket.tasks import TASKS

from .conftest import STEPS

Corpus = Callable[[int], Path]


@pytest.mark.parametrize(
    "text",
    [
        "Absence makes the heart grow fonder.",
        "8 - 3 = 5\n",
        "  two  spaces\tand a tab",
        "naïve “ünïcode” 🙂",
        "\x00\n\n",
    ],
)
def test_text_comes_back_from_the_tokenizer(corpus_of: Corpus, text: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(corpus_of(1) / tokens.TOKENIZER)
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert max(ids) < tokens.VOCABULARY


def test_the_tokenizer_has_its_vocabulary_and_its_end_of_text(corpus_of: Corpus) -> None:
    tokenizer = AutoTokenizer.from_pretrained(corpus_of(1) / tokens.TOKENIZER)
    assert len(tokenizer) == tokens.VOCABULARY
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.eos_token_id) == (tokens.END, tokens.END, 0)
    assert tokenizer.convert_ids_to_tokens(tokenizer(" 127")["input_ids"]) == ["Ġ1", "2", "7"]


def test_batches_are_the_documents_in_order(corpus_of: Corpus) -> None:
    tokenizer = AutoTokenizer.from_pretrained(corpus_of(1) / tokens.TOKENIZER)
    batches = tokens.read_tokens(corpus_of(1), STEPS)
    assert batches.shape == (STEPS, tokens.SEQUENCES, tokens.CONTEXT)
    text = tokenizer.decode(batches.reshape(-1).tolist())
    expected = "".join(document + tokens.END for document in islice(documents(1), 400))
    assert len(text) > 5000
    assert expected.startswith(text[:-10])  # the last character may be cut inside


def test_a_seed_decides_the_corpus(corpus_of: Corpus, tmp_path: Path) -> None:
    tokens.make_corpus(1, STEPS, tmp_path / "again")
    for file in ("tokenizer/tokenizer.json", tokens.TOKENS):
        assert (tmp_path / "again" / file).read_bytes() == (corpus_of(1) / file).read_bytes()
    assert not np.array_equal(tokens.read_tokens(corpus_of(1), STEPS), tokens.read_tokens(corpus_of(2), STEPS))


def test_a_longer_corpus_begins_as_the_shorter_one(corpus_of: Corpus, tmp_path: Path) -> None:
    tokens.make_corpus(1, STEPS + 2, tmp_path / "longer")
    assert np.array_equal(tokens.read_tokens(tmp_path / "longer", STEPS), tokens.read_tokens(corpus_of(1), STEPS))


def test_a_short_missing_or_damaged_token_file_is_named(corpus_of: Corpus, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"holds {STEPS} steps but 7 are needed"):
        tokens.read_tokens(corpus_of(1), STEPS + 1)
    with pytest.raises(UserError, match="not a readable token file"):
        tokens.read_tokens(tmp_path, 1)
    whole = (corpus_of(1) / tokens.TOKENS).read_bytes()
    (tmp_path / tokens.TOKENS).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="not a readable token file"):
        tokens.read_tokens(tmp_path, 1)


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"held_out"}))
def test_a_context_keeps_its_tokens_when_a_choice_follows(corpus_of: Corpus, name: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(corpus_of(1) / tokens.TOKENIZER)
    for question in TASKS[name].generate(1, 50):
        context = tokenizer(question.context)["input_ids"]
        whole = [tokenizer(question.context + choice)["input_ids"] for choice in question.choices]
        assert all(ids[: len(context)] == context and len(ids) <= tokens.CONTEXT for ids in whole)

"""From text to tokens: the suite's one tokenizer, and the token blocks that every model of a suite is trained on."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from trajectories.errors import UserError
from trajectories.pocket.corpus import documents
from trajectories.pocket.folders import whole_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 1024
CONTEXT = 128  # tokens of one training sequence
SEQUENCES = 8  # sequences of one step
TOKENS_PER_STEP = CONTEXT * SEQUENCES
END = "<|endoftext|>"
TOKENIZER, TOKENS = "tokenizer", "tokens.npy"  # what a corpus folder holds

_SAMPLE = 12_000  # documents the tokenizer learns from: every kind of text many times
# Words with their leading space, digits one by one, runs of signs, white space.
_PIECES = r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def make_corpus(seed: int, steps: int, out: Path) -> None:
    """Write the folder that all models of a suite are trained from: `tokenizer/` and `tokens.npy`.

    `tokens.npy` is an array [steps, SEQUENCES, CONTEXT] of token ids: row k is the batch of step k + 1, for every
    model. Documents follow one another, each ended by `END`.
    """
    with whole_folder(out) as folder:
        make_tokenizer(seed, folder / TOKENIZER)
        np.save(folder / TOKENS, _blocks(folder / TOKENIZER, seed, steps), allow_pickle=False)


def make_tokenizer(seed: int, out: Path) -> None:
    """Train a byte-level BPE on the beginning of the corpus; write it as a Hugging Face tokenizer folder."""
    with whole_folder(out) as folder:
        _trained(islice(documents(seed), _SAMPLE)).save_pretrained(folder)


def read_tokens(corpus: Path, steps: int) -> npt.NDArray[np.uint16]:
    """Return the batches of the first `steps` steps of a corpus folder, [steps, SEQUENCES, CONTEXT].

    Raises `UserError` when its file is damaged or holds fewer steps.
    """
    path = corpus / TOKENS
    try:
        tokens: npt.NDArray[np.uint16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path}: not a readable token file ({error}); delete {corpus} and run again") from error
    if tokens.ndim != 3 or len(tokens) < steps:
        raise UserError(f"{path}: holds {len(tokens)} steps but {steps} are needed; delete {corpus} and run again")
    return tokens[:steps]


def _trained(texts: Iterator[str]) -> "PreTrainedTokenizerFast":
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    pieces = pre_tokenizers.Split(Regex(_PIECES), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pieces, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END,
        eos_token=END,
        model_max_length=2 * CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def _blocks(tokenizer: Path, seed: int, steps: int) -> npt.NDArray[np.uint16]:
    from tokenizers import Tokenizer

    stream = _stream(Tokenizer.from_file(str(tokenizer / "tokenizer.json")), seed)
    count = steps * TOKENS_PER_STEP
    tokens = np.fromiter(islice(stream, count), dtype=np.uint16, count=count)
    return tokens.reshape(steps, SEQUENCES, CONTEXT)


def _stream(tokenizer: "Tokenizer", seed: int) -> Iterator[int]:
    endless, end = documents(seed), tokenizer.encode(END).ids[0]
    while True:
        for encoded in tokenizer.encode_batch_fast(list(islice(endless, 1000))):
            yield from encoded.ids
            yield end

"""Training one model of the pocket suite and keeping its checkpoints."""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from trajectories.pocket.folders import remove_parts, whole_folder
from trajectories.pocket.shapes import PocketShape
from trajectories.pocket.tokens import TOKENIZER, read_tokens
from trajectories.progress import progress_bar

if TYPE_CHECKING:
    from transformers import GPTNeoXForCausalLM

WARM_UP = 0.02  # share of the steps in which the learning rate rises
LAST_RATE = 0.1  # share of the highest learning rate that is left at the end, as in Pythia

logger = logging.getLogger(__name__)


def train_model(
    name: str, shape: PocketShape, seed: int, steps: Sequence[int], corpus: Path, out: Path, threads: int
) -> None:
    """Train `name` from scratch and write the checkpoints `out/step<step>/`, ordinary Hugging Face folders.

    Training lasts until the last of `steps`. Step k has seen the first k batches of the folder `corpus` (see
    `make_corpus`), whatever the shape. Same arguments, machine and versions give the same weights; another number of
    `threads` may round differently. Raises `UserError` when the corpus is damaged or too short.
    """
    from transformers import AutoTokenizer

    batches = read_tokens(corpus, max(steps))
    remove_parts(out)
    with _deterministic(seed, threads), _no_progress_bars():
        model, tokenizer = _new_model(shape), AutoTokenizer.from_pretrained(corpus / TOKENIZER)
        for step, loss in _optimise(model, shape.learning_rate, batches, name):
            if step in steps:
                with whole_folder(out / f"step{step}") as folder:
                    model.save_pretrained(folder)
                    tokenizer.save_pretrained(folder)
                logger.info("%s: checkpoint of step %d, loss %.3f", name, step, loss)


def learning_rate(step: int, last: int) -> float:
    """Return the share of the highest rate at `step` (from 1): a linear rise, then half a cosine to `LAST_RATE`."""
    rise = max(1, round(WARM_UP * last))
    if step <= rise:
        return step / rise
    progress = (step - rise) / (last - rise)
    return LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * progress)) / 2


def _new_model(shape: PocketShape) -> "GPTNeoXForCausalLM":
    from transformers import GPTNeoXForCausalLM

    model: GPTNeoXForCausalLM = GPTNeoXForCausalLM(shape.config())
    return model.train()


def _optimise(
    model: "GPTNeoXForCausalLM", rate: float, batches: npt.NDArray[np.uint16], name: str
) -> Iterator[tuple[int, float]]:
    """Take one AdamW step per batch; yield (step, loss in nats per token) after each."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.01)
    with progress_bar(len(batches), f"training {name}, steps") as advance:
        for index in range(len(batches)):
            batch = torch.from_numpy(batches[index].astype(np.int64))
            loss = model(input_ids=batch, labels=batch, use_cache=False).loss
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for group in optimiser.param_groups:
                group["lr"] = rate * learning_rate(index + 1, len(batches))
            optimiser.step()
            advance(1)
            yield index + 1, loss.item()


@contextmanager
def _deterministic(seed: int, threads: int) -> Iterator[None]:
    """Seed torch and make it deterministic with `threads` threads; put everything back afterwards."""
    strict, before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(strict)
            torch.set_num_threads(before)


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Silence the bar that transformers draws for every checkpoint it saves; training has its own."""
    from transformers.utils import logging as bars

    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()

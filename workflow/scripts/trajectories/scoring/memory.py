"""Errors that are answers: running out of memory, and a model that does not take what it is given."""

import logging

import torch

from trajectories.scoring.layout import NoTreeError

logger = logging.getLogger(__name__)
SMALLEST_PACK = 16
# what a model of transformers may raise where it is run in a way it was not made for
UNFIT = (NoTreeError, TypeError, ValueError, AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError)


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]


def out_of_memory(error: BaseException) -> bool:
    """Tell whether `error` is torch running out of memory on any device."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def smaller(pack_tokens: int, error: Exception) -> int:
    """Return half a pack size after running out of memory; raise any other error again, and this one at the end."""
    if not out_of_memory(error) or pack_tokens // 2 < SMALLEST_PACK:
        raise error
    logger.warning("out of memory: going on with packs of %d tokens", pack_tokens // 2)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return pack_tokens // 2

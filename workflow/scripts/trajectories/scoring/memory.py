"""Errors that are answers: running out of memory, and a model that does not take what it is given."""

import logging

import torch

from trajectories.scoring.layout import NoTreeError

logger = logging.getLogger(__name__)
SMALLEST_PACK = 16
# what a model of transformers may raise where it is run in a way it was not made for
UNFIT = (NoTreeError, TypeError, ValueError, AttributeError, IndexError, KeyError, NotImplementedError, RuntimeError)


def said(error: Exception) -> str:
    """Return an error's first line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def why(error: Exception) -> str:
    """Return why a proof failed, in words that no size or number changes: they stand beside scores.

    What transformers or torch say goes to the log.
    """
    if isinstance(error, NoTreeError):
        return str(error)
    logger.info("%s: %s", type(error).__name__, said(error))
    return f"it raises {type(error).__name__}"


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

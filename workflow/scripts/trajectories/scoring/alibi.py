"""ALiBi as a bias of depths: a key's bias grows with its depth, not with its place in the pack.

BLOOM and Falcon count positions in the 2-D mask, which `layout.Ones` answers. MPT makes its bias from the window's
length alone, so it is made again here for the depths of the keys. A bias that is the same for all keys of a query
does nothing.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from trajectories.scoring.layout import current_layout

MAKER = "build_mpt_alibi_tensor"


def count_depths(model: Any) -> None:
    """Have an MPT model make its bias from depths while a layout is current; other models are left alone."""
    base = model.base_model
    if hasattr(base, MAKER) and not isinstance(getattr(base, MAKER), _DepthBias):
        setattr(base, MAKER, _DepthBias(getattr(base, MAKER)))


class _DepthBias:
    """The model's own bias, its columns put where the keys of the current pack are."""

    def __init__(self, own: Callable[..., Tensor]) -> None:
        self._own = own

    def __call__(self, heads: int, length: int, *args: Any, **kwargs: Any) -> Tensor:
        """Return [heads, 1, keys], zero at the deepest; [heads, 1, length] outside a pack."""
        bias, layout = self._own(heads, length, *args, **kwargs), current_layout()
        return bias if layout is None else bias[:, :, length - 1 - layout.depths.max() + layout.depths]

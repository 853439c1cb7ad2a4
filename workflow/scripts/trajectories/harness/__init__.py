"""The evaluation harness with our engine: its own command line and result files; `TreeLM` scores as trees."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trajectories.harness.backend import TreeLM

__all__ = ["TreeLM"]


def __getattr__(name: str) -> Any:
    """Import the backend, and with it torch and the harness, where it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from trajectories.harness import backend

    return getattr(backend, name)

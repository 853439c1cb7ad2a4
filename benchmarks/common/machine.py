"""The machine a benchmark ran on: what it is, not whose or where."""

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from trajectories.provenance import processor, versions


def machine() -> dict[str, Any]:
    """Return processor, cores, memory, GPU where there is one, library versions, and the load when it was asked."""
    import torch

    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "load_average": round(os.getloadavg()[0], 1),
        "versions": versions() | {"lm_eval": _version("lm_eval")},
    }


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def in_words(description: dict[str, Any]) -> str:
    """Return the description as one sentence for a table's caption."""
    libraries = ", ".join(f"{name} {found}" for name, found in description["versions"].items() if name in SHOWN)
    gpu = f"{description['gpu']}; " if description["gpu"] else ""
    return (
        f"{gpu}{description['processor']}, {description['cores']} cores, {description['memory_gib']} GiB memory, "
        f"load average {description['load_average']} before the run; {libraries}"
    )


SHOWN = ("python", "torch", "transformers", "tokenizers", "lm_eval")

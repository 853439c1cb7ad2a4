"""What made a number: versions, hardware, and the content of the code."""

import hashlib
import importlib.util
import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("trajectories", "torch", "transformers", "tokenizers", "numpy", "pandas", "scipy", "statsmodels")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that numbers depend on."""
    return {"python": platform.python_version()} | {name: _version(name) for name in LIBRARIES}


@cache
def _version(library: str) -> str:
    """Return a library's version, read once: parsing its metadata takes as long as a forward pass of a tiny model."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def hardware(device: str) -> str:
    """Describe the device in words: the GPU's name, or the processor and how many cores torch uses."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return f"{processor()}, {torch.get_num_threads()} threads"


def processor() -> str:
    """Return the processor's model name, or its architecture where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or os.uname().machine


def code_digest(*modules: str) -> str:
    """Return a hash of the content of the named modules and packages, with everything below them.

    Rules put it into their `params`, so that editing a statistic or a figure runs it again, and a fresh checkout,
    which changes only times, does not.
    """
    sha = hashlib.sha256()
    for name in modules:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(name)
        origin = Path(spec.origin)
        files = sorted(origin.parent.rglob("*")) if origin.name == "__init__.py" else [origin]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                sha.update(file.name.encode() + b"\0" + file.read_bytes())
    return sha.hexdigest()[:16]

"""What a scoring job asks of the machine or the queue: memory, time, cores, from the model's size and its requests."""

import math
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from trajectories.checkpoints.rates import DEVICES, LOAD_RATE, START, Device, forward_seconds

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
LIBRARIES_MB = 2000  # Python, torch and transformers, with room for a pack's logits
SLOWEST_GPU = DEVICES["T4"]
SMALL = 30_000_000  # parameters below which a second core does not help
SPARE = 3  # a job asks for this many times its estimate, since a killed job costs more than a longer wait


def memory_mb(parameters: int, dtype: str, ahead: bool) -> int:
    """Return a job's memory: the weights in their type, as much again while they load, and the libraries.

    With `ahead` the next checkpoint's weights are there as well.
    """
    return LIBRARIES_MB + (3 if ahead else 2) * BYTES[dtype] * parameters // 1_000_000


def minutes(parameters: int, dtype: str, tokens: int, device: Device, network: float | None, count: int) -> int:
    """Return the time limit of a job: SPARE times the estimate for `count` checkpoints.

    Each is downloaded (`network` is in bytes a second; None: nothing is), loaded, and run once over `tokens`. Without
    a known device the slowest of the usual GPUs is assumed.
    """
    size = BYTES[dtype] * parameters
    fetching = size / network if network else 0.0
    working = size / LOAD_RATE + forward_seconds(device, parameters, tokens, dtype)
    return 10 + math.ceil(SPARE * (START + count * (fetching + working)) / 60)


def device_of(named: str | None, device: str) -> Device:
    """Return the device to reckon with: the one the study names, the CPU where it asks for that, else a slow GPU."""
    if named is not None:
        return DEVICES[named]
    return DEVICES["CPU"] if device == "cpu" else SLOWEST_GPU


def most_tokens(requests: Iterable[Path | str]) -> int:
    """Return a bound on the tokens of requests files, from their size: a token takes four bytes.

    Raises `FileNotFoundError` while one of them has yet to be made.
    """
    return sum(_size(os.fspath(path)) for path in requests) // 4


@cache
def _size(path: str) -> int:
    return Path(path).stat().st_size

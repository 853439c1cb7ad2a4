"""How fast devices are on paper, for estimates before anything is spent.

Peak rates are the vendors' data sheets' (dense, without sparsity); what a study reaches of them is an assumption that
the plan prints, until the study's own first jobs have been measured.
"""

import re
import subprocess
from dataclasses import dataclass

from trajectories.errors import UserError
from trajectories.study.strict import suggestion

EFFICIENCY = 0.4  # share of the peak that large forward passes are assumed to reach
LOAD_RATE = 1e9  # bytes a second from disk to device
START = 20.0  # seconds to start Python and the libraries, once per job


@dataclass(frozen=True)
class Device:
    """A device's peak rates in TFLOP/s, by the type it computes in, and its memory in GB."""

    name: str
    half: float
    single: float
    memory: float

    def rate(self, dtype: str) -> float:
        """Return the assumed rate in FLOP/s."""
        return EFFICIENCY * 1e12 * (self.single if dtype == "float32" else self.half)


DEVICES: dict[str, Device] = {
    device.name: device
    for device in (
        Device("H200", 989, 67, 141),
        Device("H100", 989, 67, 80),
        Device("A100", 312, 19.5, 80),
        Device("L40S", 362, 91.6, 48),
        Device("L4", 121, 30.3, 24),
        Device("RTX 4090", 165, 82.6, 24),
        Device("RTX 3090", 71, 35.6, 24),
        Device("V100", 125, 15.7, 32),
        Device("T4", 65, 8.1, 16),
        Device("CPU", 0.25, 0.25, 64),  # two cores of a server processor
    )
}


def find_device(name: str | None) -> Device:
    """Return the device of that name, or with None the GPU that nvidia-smi reports, else the CPU.

    Raises `UserError` for a name that is not in the table.
    """
    if name is None:
        return _detected()
    if name not in DEVICES:
        raise UserError(f"plan.device: {name!r} is not in the table of devices{suggestion(name, set(DEVICES))}")
    return DEVICES[name]


def forward_seconds(device: Device, parameters: int, tokens: int, dtype: str) -> float:
    """Return how long one forward pass over `tokens` takes: 2 FLOP per parameter and token."""
    return 2.0 * parameters * tokens / device.rate(dtype)


def _detected() -> Device:
    try:
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return DEVICES["CPU"]
    return recognised(answer.splitlines()[0] if answer else "")


def recognised(name: str) -> Device:
    """Return the device whose name is in what a driver reports, e.g. `NVIDIA H200`; a T4 where it is none of them."""
    words = [device for device in DEVICES if re.search(rf"(?<!\w){re.escape(device)}(?!\w)", name, re.IGNORECASE)]
    return DEVICES[max(words, key=len)] if words else DEVICES["T4"]

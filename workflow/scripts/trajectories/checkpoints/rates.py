"""How fast devices are on paper, for estimates before anything is spent.

Peak rates are the vendors' data sheets' (dense, without sparsity); what a study reaches of them is an assumption that
the plan prints, until the study's own first jobs have been measured.
"""

import re
import subprocess
from dataclasses import dataclass

from trajectories.errors import UserError
from trajectories.study.strict import suggestion

REACHED = 0.48  # share of the peak that products with weights reach on a GPU: docs/scale.md says where from
BESIDE = 1e9  # parameters whose products take as long as what else a GPU does for a token: attention, masks, logits;
FULL_SIZE, GROWTH = 1.4e9, 0.2  # from this size on, and below it by this power of the parameters
ON_CPU = 0.4  # share of the peak on a processor, assumed
LOAD_RATE = 1e9  # bytes a second from disk to device
START = 20.0  # seconds to start Python and the libraries, once per job


@dataclass(frozen=True)
class Device:
    """A device's peak rates in TFLOP/s, by the type it computes in, and its memory in GB."""

    name: str
    half: float
    single: float
    memory: float

    def peak(self, dtype: str) -> float:
        """Return the data sheet's rate in FLOP/s."""
        return 1e12 * (self.single if dtype == "float32" else self.half)

    @property
    def is_cpu(self) -> bool:
        """Whether it is a processor and no GPU."""
        return self.name == "CPU"


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
    """Return how long one forward pass over `tokens` takes: 2 FLOP per parameter and token, and what is beside them.

    On a GPU that hardly shrinks with the model, and takes half precision's time whatever the type of the weights: small
    models reach a small share of the peak.
    """
    if device.is_cpu:
        return 2.0 * tokens * parameters / (ON_CPU * device.peak(dtype))
    beside = BESIDE * float(min(1.0, parameters / FULL_SIZE) ** GROWTH)
    return 2.0 * tokens * (parameters / device.peak(dtype) + beside / device.peak("half")) / REACHED


def reached(device: Device, parameters: int, dtype: str) -> float:
    """Return the share of the data sheet's peak that `forward_seconds` reckons with."""
    return 2.0 * parameters / device.peak(dtype) / forward_seconds(device, parameters, 1, dtype)


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

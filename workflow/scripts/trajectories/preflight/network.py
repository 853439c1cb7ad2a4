"""The network, asked once, before everything that needs it."""

import queue
import threading
from collections.abc import Collection

import httpx2
from huggingface_hub import constants
from huggingface_hub.utils import get_session

from trajectories.hub.client import short
from trajectories.preflight.findings import Findings

PATIENCE = 15.0  # seconds for everything; looking up a name alone may take that long without a network
TIMEOUT = 5.0  # seconds for one try
TRIES = 2


def look_at_network(needed_for: Collection[str], findings: Findings) -> None:
    """See that the hub answers, whatever it says, if anything is `needed_for`, which names what waits for it."""
    if not needed_for or constants.HF_HUB_OFFLINE:  # then every call says so at once
        return
    trouble = no_answer(constants.ENDPOINT)
    if trouble:
        findings.wrong(
            f"no answer from {constants.ENDPOINT} ({trouble}), which is needed for {', '.join(needed_for)}; "
            "check the network or HF_ENDPOINT, then run the same command again"
        )


def no_answer(address: str, patience: float = PATIENCE) -> str:
    """Return why a server does not answer, in a few words; empty when it does. Takes `patience` seconds at most."""
    said: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: said.put(_asked(address)), daemon=True).start()
    try:
        return said.get(timeout=patience)
    except queue.Empty:
        return f"not within {patience:.0f} s"


def _asked(address: str) -> str:
    trouble = ""
    for _ in range(TRIES):
        try:
            get_session().head(address, timeout=TIMEOUT)
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            trouble = short(error)
        else:
            return ""
    return trouble

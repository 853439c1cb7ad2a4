"""The harness's command line with a clock around its scoring: `python -m common.harness_clock SECONDS WORDS…`."""

import json
import sys
from pathlib import Path
from typing import Any

from common.sides import timed


def main(seconds: str, words: list[str]) -> None:
    """Run the command line; write the wall and CPU seconds of `loglikelihood`, and of the tree's proof within it."""
    from lm_eval.models.huggingface import HFLM

    from trajectories.harness import backend
    from trajectories.harness.__main__ import main as harness

    inherited = HFLM.loglikelihood  # by TreeLM as well
    proven = backend.trusted
    spent = {"wall": 0.0, "cpu": 0.0, "proof_wall": 0.0, "proof_cpu": 0.0}

    def clocked(self: Any, *args: Any, **options: Any) -> Any:
        with timed() as clock:
            found = inherited(self, *args, **options)
        spent["wall"] += clock.wall
        spent["cpu"] += clock.cpu
        return found

    def clocked_proof(*args: Any) -> Any:
        with timed() as clock:
            found = proven(*args)
        spent["proof_wall"] += clock.wall
        spent["proof_cpu"] += clock.cpu
        return found

    HFLM.loglikelihood, backend.trusted = clocked, clocked_proof
    sys.argv = ["lm-eval", *words]
    harness()
    Path(seconds).write_text(json.dumps(spent))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

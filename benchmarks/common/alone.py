"""Run one side in a fresh process: `python -m common.alone SIDE RESULT`, settings as JSON on standard input."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.sides import Settings, harness, ours

SIDES = {"ours": ours, "harness": harness}


def run_alone(side: str, settings: Settings) -> dict[str, Any]:
    """Return what `side` measured in a process of its own. Raises CalledProcessError when it fails."""
    root = Path(__file__).resolve().parents[1]
    path = os.pathsep.join([str(root), str(root.parent / "workflow" / "scripts")])
    threads = str(settings.threads)
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": threads, "RAYON_NUM_THREADS": threads,
                                "TOKENIZERS_PARALLELISM": "true", "HF_HUB_OFFLINE": "1"}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", "common.alone", side, str(result)]
        asked = json.dumps(asdict(settings))
        subprocess.run(command, input=asked, text=True, check=True, env=environment, stdout=sys.stderr)
        answer: dict[str, Any] = json.loads(result.read_text())
        return answer


def main(side: str, result: str) -> None:
    """Run `side` here."""
    asked = json.load(sys.stdin)
    settings = Settings(**asked | {"batch_sizes": tuple(asked["batch_sizes"])})
    Path(result).write_text(json.dumps(SIDES[side](settings)))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What an import brings along, asked of a fresh interpreter."""

import json
import os
import subprocess
import sys


def loaded_by(module: str, *names: str) -> list[str]:
    """Return which of the modules `names` are there once `module` is imported."""
    code = f"import json, sys, {module}; print(json.dumps([name for name in {names} if name in sys.modules]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return list(json.loads(done.stdout))

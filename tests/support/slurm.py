"""A running Slurm, and the processes of a study's jobs."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "cluster" / "slurm.sh"


@dataclass(frozen=True)
class Slurm:
    """A running Slurm of one node whose files lie in `folder`."""

    folder: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> str:
        """Run one of Slurm's commands; return what it printed."""
        done = subprocess.run(arguments, env=self.environment, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def script(self, action: str) -> None:
        """Run `slurm.sh` with this Slurm's folder."""
        subprocess.run([SCRIPT, action, self.folder], env=self.environment, timeout=120, check=True)

    def daemon(self) -> int:
        """Return the process id of the node's daemon."""
        return int((self.folder / "run" / "slurmd.pid").read_text())

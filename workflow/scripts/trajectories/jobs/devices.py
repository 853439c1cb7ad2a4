"""GPUs for scoring jobs, one or several each: a lock per device that the kernel gives back when its holder dies.

The lock files lie in a folder common to all runs on the machine, so two workflows share its GPUs too. Under a cluster
scheduler, which hands out devices itself, there is nothing to lock.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from trajectories.checkpoints.locks import any_lock
from trajectories.errors import UserError

SCHEDULERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "KUBERNETES_SERVICE_HOST")


def visible_gpus(environment: Mapping[str, str]) -> list[str]:
    """Return the ids of the GPUs this process may use: CUDA_VISIBLE_DEVICES, or all that nvidia-smi lists."""
    listed = environment.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return [gpu.strip() for gpu in listed.split(",") if gpu.strip() not in ("", "-1")]
    try:
        command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return answer.stdout.split()


def lock_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of this machine's GPU locks (TRAJECTORIES_LOCKS, or one in the temporary directory)."""
    default = Path(tempfile.gettempdir()) / "trajectories-gpu-locks"
    return Path(environment.get("TRAJECTORIES_LOCKS", default))


@contextmanager
def some_gpus(device: str, count: int, environment: Mapping[str, str]) -> Iterator[str | None]:
    """Hold the locks of `count` GPUs for the block and yield their ids for CUDA_VISIBLE_DEVICES.

    None where nothing is to be chosen: for `cpu` and `mps`, under a scheduler, for a device named by number, or without
    a GPU. Must be entered before torch is imported, or the choice comes too late. Raises `UserError` when there are
    fewer GPUs than asked for.
    """
    gpus = [] if device not in ("auto", "cuda") or any(map(environment.get, SCHEDULERS)) else visible_gpus(environment)
    if not gpus:
        yield None
        return
    folder = lock_folder(environment)
    _shared_folder(folder)
    locks = {folder / f"gpu-{gpu.replace('/', '_')}": gpu for gpu in gpus}
    if count > len(locks):
        raise UserError(f"scoring.gpus: {count} are asked for, and this machine gives {len(locks)}")
    with ExitStack() as held:
        if count > 1:  # two jobs that each hold a part would wait for ever: one gathers at a time
            gathering = held.enter_context(ExitStack())
            gathering.enter_context(any_lock([folder / "gathering"], "another job that waits for several GPUs"))
        chosen: list[Path] = []
        for _ in range(count):
            free = [path for path in locks if path not in chosen]
            chosen.append(
                held.enter_context(any_lock(free, f"{'one' if count == 1 else count} of {len(locks)} GPU(s)"))
            )
        if count > 1:
            gathering.close()
        yield ",".join(locks[path] for path in sorted(chosen))


def _shared_folder(folder: Path) -> None:
    """Make the lock folder, open to every user of the machine as a temporary directory is."""
    try:
        folder.mkdir(parents=True)
        folder.chmod(0o1777)
    except FileExistsError:
        pass


def choose(gpus: str | None) -> None:
    """Make these GPUs the only ones this process sees."""
    if gpus is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus

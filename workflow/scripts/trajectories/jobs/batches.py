"""How a study's checkpoints are cut into jobs: from the config and the machine alone, never from what is finished.

So the DAG is the same before, while and after a study runs. What a job finds done already costs it a hundredth of a
second.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from trajectories.checkpoints.rates import DEVICES, LOAD_RATE, START, find_device, forward_seconds
from trajectories.jobs.resources import BYTES, SMALL
from trajectories.questions.task import Task
from trajectories.study.config import Study
from trajectories.study.models import Model
from trajectories.study.sources import source_of

TIMES_START = 10  # a batch takes at least this many times as long as starting its job
QUESTIONS = 1000  # assumed of a task whose record does not say how many it has
SUPPOSED_GPU = "A100"  # where neither the study nor this machine says which
TOKENS = 90  # of a question in a prefix tree, choices included: docs/scale.md
Steps = tuple[int, ...]


@dataclass(frozen=True)
class Crew:
    """Who works on a study: how many jobs at once, on which device, the longest a batch may take in minutes."""

    workers: int
    device: str
    batch_minutes: float


@dataclass(frozen=True)
class Batch:
    """Checkpoints that one job scores, for every model that is cut like this; `steps` None: any one step."""

    name: str
    label: str
    models: tuple[str, ...]
    steps: Steps | None

    @property
    def count(self) -> int:
        """How many checkpoints its jobs score."""
        return 1 if self.steps is None else len(self.steps)


def crew_of(
    study: Study, gpus: Sequence[str], cores: int | None, nodes: int | None, on_disk: int, batch_minutes: float
) -> Crew:
    """Return who works on a study: on this machine, with `gpus` and `cores`, or through a queue, with `nodes` jobs.

    Through a queue as many GPUs are expected as a profile's bound on checkpoints on disk reckons with: one for two.
    """
    wants_gpu = study.scoring.device.startswith("cuda")
    if nodes is not None:
        workers = max(1, on_disk // 2)
    elif gpus or wants_gpu:
        workers = max(1, len(gpus))
    else:  # cores of a job: see score_threads
        small = all(model.parameters < SMALL for model in study.models)
        workers = max(1, cores or 1) if small else min(2, cores or 1)
    on_cpu = study.scoring.device == "cpu" or (nodes is None and not gpus and not wants_gpu)
    found = "CPU" if on_cpu else find_device(None).name if gpus else SUPPOSED_GPU
    return Crew(workers, study.plan.device or found, batch_minutes)


def job_sizes(study: Study, crew: Crew) -> dict[str, int]:
    """Return how many checkpoints of each model a job takes at most.

    A batch lasts ten times as long as its start, unless that is more than `batch_minutes`, or more than the share of
    one of the crew. There are as many jobs as there are in the crew, or as checkpoints.
    """
    asked = study.scoring.checkpoints_per_job
    steps = {model.name: len(study.steps_of(model)) for model in study.models}
    if asked != "auto":
        return dict.fromkeys(steps, asked)
    each = {model.name: checkpoint_seconds(study, model, crew.device) for model in study.models}
    share = sum(each[name] * count for name, count in steps.items()) / crew.workers
    most = min(60 * crew.batch_minutes, max(share, START))
    sizes = {name: max(1, min(math.ceil(TIMES_START * START / own), int(most / own))) for name, own in each.items()}
    return _spread(sizes, steps, each, crew.workers)


def _spread(sizes: dict[str, int], steps: Mapping[str, int], each: Mapping[str, float], workers: int) -> dict[str, int]:
    """Cut the longest batches until there is a job for each of the workers."""
    sizes = {name: min(size, steps[name]) for name, size in sizes.items()}
    while sum(math.ceil(steps[name] / size) for name, size in sizes.items()) < min(workers, sum(steps.values())):
        longest = max((name for name, size in sizes.items() if size > 1), key=lambda name: sizes[name] * each[name])
        sizes[longest] -= 1
    return sizes


def checkpoint_seconds(study: Study, model: Model, device: str) -> float:
    """Return the estimate of one checkpoint's time in a batch, where the next one is fetched while one is scored."""
    size = BYTES[study.scoring.dtype] * model.parameters
    fetching = 0.0 if source_of(model, study.checkpoints)[1] else size / (study.plan.network_mb_per_s * 1e6)
    forward = forward_seconds(DEVICES[device], model.parameters, assumed_tokens(study.tasks), study.scoring.dtype)
    return max(fetching, size / LOAD_RATE + forward)


def assumed_tokens(tasks: Sequence[Task]) -> int:
    """Return about how many tokens a checkpoint is run on: the real ones are known only once they are encoded."""
    return TOKENS * sum(task.questions or QUESTIONS for task in tasks)


def cut(steps: Steps, size: int) -> list[Steps]:
    """Cut steps into as few runs of at most `size` as there can be, all about as long."""
    count = math.ceil(len(steps) / size)
    ends = [len(steps) * k // count for k in range(count + 1)]
    return [steps[first:last] for first, last in pairwise(ends)]


def batches(study: Study, crew: Crew) -> list[Batch]:
    """Return the batches of a study. Models that are scored one checkpoint at a time share the first, named `score`."""
    sizes = job_sizes(study, crew)
    alone: list[str] = []
    together: dict[Steps, list[str]] = {}
    for model in study.models:
        runs = cut(study.steps_of(model), sizes[model.name])
        if all(len(run) == 1 for run in runs):
            alone.append(model.name)
        else:
            for run in runs:
                together.setdefault(run, []).append(model.name)
    return [
        Batch("score", "step{step}", tuple(alone), None),
        *(
            Batch(f"score_{number}", _label(steps), tuple(models), steps)
            for number, (steps, models) in enumerate(together.items(), 1)
        ),
    ]


def _label(steps: Steps) -> str:
    return f"step{steps[0]}" if len(steps) == 1 else f"steps{steps[0]}-{steps[-1]}"

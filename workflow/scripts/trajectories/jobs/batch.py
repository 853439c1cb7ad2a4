"""One scoring job: a batch of checkpoints, one after the other in one process."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from trajectories.checkpoints.locks import any_lock
from trajectories.checkpoints.scratch import Slots
from trajectories.errors import UserError
from trajectories.jobs.arrivals import Arrivals
from trajectories.jobs.assemble import assemble
from trajectories.jobs.job import Job
from trajectories.jobs.scorer import Scorer
from trajectories.jobs.traces import Traces

logger = logging.getLogger(__name__)
Finish = Callable[[Job], None]  # what else is made of a checkpoint once its scores file is there


def score_batch(jobs: Sequence[Job], traces: Traces, finish: Finish = lambda job: None) -> None:
    """Score what is missing under each checkpoint, and write each one's scores file as soon as it is scored.

    Every finished task is kept at once, so a batch that is killed loses the tree it was working on and nothing else.
    Two jobs with the same checkpoints do not disturb each other: the second waits, then finds everything done. All
    jobs go through checkpoints in the same order, so that they never wait for each other.

    A checkpoint that fails does not keep the others from being scored. Raises its error at the end, or a `UserError`
    that names all that failed.
    """
    failed: list[tuple[Job, Exception]] = []
    first = jobs[0]
    with Slots(first.scratch, first.limit) as slots, Scorer() as scorer, Arrivals(jobs, slots) as arrivals:
        for job in jobs:
            with traces.of(job.checkpoint.model, job.checkpoint.step) as done:
                try:
                    scored = _score_checkpoint(job, arrivals, scorer)
                    finish(job)
                    if scored:
                        done()
                except Exception as error:  # the edge of one checkpoint's work: the others do not depend on it
                    _tell(error, last=len(jobs) == 1)
                    failed.append((job, error))
    _raise(failed, len(jobs))


def _score_checkpoint(job: Job, arrivals: Arrivals, scorer: Scorer) -> bool:
    """Write the scores file of a checkpoint; tell whether there was anything to score."""
    if job.whole.is_file():
        assemble(job)
        logger.info("%s: every task has been scored before", job.checkpoint)
        return False
    with _alone(job):
        if missing := job.missing():
            with arrivals.folder(job) as folder:
                scorer.score(job, folder, missing)
        assemble(job)
    return bool(missing)


@contextmanager
def _alone(job: Job) -> Iterator[None]:
    lock: Path = job.store.folder / ".locks" / job.checkpoint.commit
    with any_lock([lock], f"another job that scores {job.checkpoint}"):
        yield


def _tell(error: Exception, last: bool) -> None:
    """Log what went wrong with one checkpoint of several; what ends the job is told where it ends."""
    if last:
        return
    if isinstance(error, UserError):
        logger.error("error: %s", error)
    else:
        logger.exception("error: %s", error)


def _raise(failed: Sequence[tuple[Job, Exception]], count: int) -> None:
    if not failed:
        return
    worst = next((error for _, error in failed if not isinstance(error, UserError)), failed[0][1])
    if count == 1 or not isinstance(worst, UserError):
        raise worst
    names = ", ".join(str(job.checkpoint) for job, _ in failed)
    raise UserError(f"{len(failed)} of {count} checkpoints failed ({names}), the others are done: {worst}") from worst

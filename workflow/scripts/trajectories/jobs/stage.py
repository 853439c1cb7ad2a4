"""The stage `score`: rows of the audit's table in, a scores file of each out."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from trajectories.analysis.kept import FOLDER, kept_at
from trajectories.checkpoints.resolved import as_checkpoint, is_used
from trajectories.errors import UserError
from trajectories.jobs.batch import score_batch
from trajectories.jobs.job import Job, RequestsFile
from trajectories.jobs.store import Store
from trajectories.jobs.traces import Traces
from trajectories.study.checkpoints import Checkpoints
from trajectories.study.protocol import Protocol
from trajectories.study.sections import Scoring
from trajectories.study.strict import Strict
from trajectories.tables import read_rows

logger = logging.getLogger(__name__)


class Settings(Strict):
    """The sections of the config that a scoring job needs."""

    protocol: Protocol
    scoring: Scoring
    checkpoints: Checkpoints


def score_rows(
    *,
    checkpoints: Path,
    model: str,
    outputs: Mapping[int, Path],
    requests: Sequence[Path],
    store: Path,
    scratch: Path,
    study: str,
    threads: int,
    logs: Path,
    benchmarks: Path,
    limit: int | None = None,
) -> None:
    """Score checkpoints of one model on all requests; `outputs` says where the scores of each step go.

    One that the audit left out gets a scores file without rows. `study` is JSON with the sections of `Settings`; at
    most `limit` downloaded checkpoints lie in `scratch`; `logs` and `benchmarks` are folders with a file a checkpoint.
    Raises `UserError` when a row is not there or scoring fails.
    """
    settings = Settings.model_validate_json(study)
    files = tuple(RequestsFile(path) for path in requests)
    jobs = []
    for row in _rows(checkpoints, model, sorted(outputs)):
        output = outputs[int(row["step"])]
        if not is_used(row):
            _write_nothing(output, f"{model} step {row['step']} is left out: {row['status']}")
            continue
        jobs.append(
            Job(
                checkpoint=as_checkpoint(row),
                requests=files,
                protocol=settings.protocol,
                scoring=settings.scoring,
                store=Store(store),
                scratch=scratch,
                output=output,
                threads=threads,
                limit=limit,
                keep=settings.checkpoints.keep,
                hub_cache=settings.checkpoints.hub_cache,
            )
        )
    if jobs:
        score_batch(jobs, Traces(logs, benchmarks, own_logs=len(outputs) > 1), _keep_accuracies)


def _keep_accuracies(job: Job) -> None:
    """Make a checkpoint's accuracies while its scores are at hand; what is wrong with them the accuracy stage says."""
    folder = job.store.folder / FOLDER
    with suppress(UserError):
        if not kept_at(job.output, folder).is_file():
            from trajectories.analysis.summaries import summary  # and with it pandas

            summary(job.output, folder)


def _rows(checkpoints: Path, model: str, steps: Sequence[int]) -> list[dict[str, str]]:
    """Return the rows of these steps, in ascending order, which every job keeps to."""
    own = [row for row in read_rows(checkpoints, "checkpoints") if row["model"] == model]
    found = [[row for row in own if int(row["step"]) == step] for step in steps]
    for step, rows in zip(steps, found, strict=True):
        if len(rows) != 1:
            raise UserError(
                f"{checkpoints}: has {len(rows)} rows for {model} step {step}; run `snakemake audit --forcerun audit`"
            )
    return [rows[0] for rows in found]


def _write_nothing(output: Path, reason: str) -> None:
    from trajectories.scoring.scores import empty_scores, write_scores

    logger.info("%s", reason)
    write_scores(empty_scores(), output, {"left_out": reason})

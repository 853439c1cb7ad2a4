"""The stage `score`: one row of the audit's table in, its scores file out."""

import logging
from collections.abc import Sequence
from pathlib import Path

from trajectories.checkpoints.resolved import as_checkpoint
from trajectories.errors import UserError
from trajectories.jobs.job import Job, RequestsFile, score_checkpoint
from trajectories.jobs.store import Store
from trajectories.study.config import Checkpoints, Scoring
from trajectories.study.protocol import Protocol
from trajectories.study.strict import Strict
from trajectories.tables import read_table

logger = logging.getLogger(__name__)


class Settings(Strict):
    """The sections of the config that a scoring job needs."""

    protocol: Protocol
    scoring: Scoring
    checkpoints: Checkpoints


def score_row(
    *,
    checkpoints: Path,
    model: str,
    step: int,
    requests: Sequence[Path],
    store: Path,
    scratch: Path,
    study: str,
    threads: int,
    output: Path,
    limit: int | None = None,
) -> None:
    """Score one checkpoint of the audit's table on all requests; one that is left out gets a scores file without rows.

    `study` is JSON with the sections of `Settings`; at most `limit` downloaded checkpoints lie in `scratch`. Raises
    `UserError` when the row is not there or scoring fails.
    """
    table = read_table(checkpoints, "checkpoints")
    rows = table[(table["model"] == model) & (table["step"] == step)]
    if len(rows) != 1:
        raise UserError(f"{checkpoints}: has {len(rows)} rows for {model} step {step}; run `snakemake -R audit`")
    row = rows.iloc[0]
    if not row["used"]:
        _write_nothing(output, f"{model} step {step} is left out: {row['status']}")
        return
    settings = Settings.model_validate_json(study)
    job = Job(
        checkpoint=as_checkpoint(row),
        requests=[RequestsFile(path) for path in requests],
        protocol=settings.protocol,
        scoring=settings.scoring,
        store=Store(store),
        scratch=scratch,
        threads=threads,
        limit=limit,
        keep=settings.checkpoints.keep,
        hub_cache=settings.checkpoints.hub_cache,
    )
    score_checkpoint(job, output)


def _write_nothing(output: Path, reason: str) -> None:
    from trajectories.scoring.scores import empty_scores, write_scores

    logger.info("%s", reason)
    write_scores(empty_scores(), output, {"left_out": reason})

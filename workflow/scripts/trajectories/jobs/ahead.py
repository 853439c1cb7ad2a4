"""The stage `fetch`: checkpoints that are still to be scored, downloaded for jobs without a network."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from trajectories.checkpoints.fetch import fetch_ahead
from trajectories.checkpoints.scratch import on_disk
from trajectories.jobs.plan import Settings, works_of
from trajectories.jobs.store import Store
from trajectories.tables import read_table

logger = logging.getLogger(__name__)


def fetch_study(
    *,
    checkpoints: Path | str,
    requests: Mapping[str, Sequence[str]],
    study: str,
    store: Path | str,
    scratch: Path | str,
    limit: int,
) -> int:
    """Download unscored checkpoints, in the study's order, until `limit` lie in the scratch folder; return how many.

    They wait there for their jobs, which remove them. `study` is JSON with the sections of `plan.Settings`.
    """
    settings = Settings.model_validate_json(study)
    works = works_of(read_table(checkpoints, "checkpoints"), requests, settings, Store(Path(store)))
    waiting = [work.checkpoint for work in works if work.download]
    fetched = 0
    for checkpoint in waiting:
        present = {(place.model, place.step) for place in on_disk(Path(scratch))}
        if (checkpoint.model, checkpoint.step) not in present and len(present) >= limit:
            continue
        fetch_ahead(checkpoint, Path(scratch), settings.checkpoints.hub_cache)
        fetched += 1
    logger.info("note: fetch: %d of %d unscored checkpoints lie in %s", fetched, len(waiting), scratch)
    return fetched

"""The stage `audit`: the study's checkpoints in, `checkpoints.tsv` out."""

import logging
from pathlib import Path

import pandas as pd

from trajectories.checkpoints.audit import AuditSpec, audit, check_anomalies
from trajectories.checkpoints.heal import Mirror, Recovery
from trajectories.checkpoints.notes import anomaly_footnotes
from trajectories.checkpoints.records import ModelSource
from trajectories.errors import UserError
from trajectories.study.checkpoints import Checkpoints
from trajectories.study.models import Model
from trajectories.study.sources import source_of, tokens_of, tokens_per_step_of
from trajectories.study.steps import Steps
from trajectories.study.strict import Strict
from trajectories.tables import write_table

logger = logging.getLogger(__name__)


class Suite(Strict):
    """The sections of the config that say which checkpoints there are."""

    checkpoints: Checkpoints
    models: list[Model]
    steps: Steps


def write_audit(*, study: str, output: Path | str) -> None:
    """Audit the suite, print what was found to the log, and write its table.

    `study` is JSON with the sections of `Suite`. Raises `UserError` when anomalies are found and the policy is to
    stop; the table then lies beside `output`, with `.stopped` before its ending, to be looked at.
    """
    suite = Suite.model_validate_json(study)
    chosen = suite.checkpoints
    recovery = Recovery(chosen.recover_depth, tuple(Mirror(**mirror.model_dump()) for mirror in chosen.mirrors))
    table = audit(AuditSpec(tuple(sources(suite)), chosen.anomalies, chosen.compare, recovery))
    logger.info("%s", summary(table))
    for footnote in anomaly_footnotes(table) if chosen.anomalies != "stop" else ():  # else the error says them
        logger.warning("%s", footnote)
    path = Path(output)
    stopped = path.with_suffix(f".stopped{path.suffix}")
    try:
        check_anomalies(table, chosen.anomalies)
    except UserError as error:
        write_table(table, stopped, "checkpoints")
        raise UserError(f"{error}\n  the whole table is in {stopped}") from error
    stopped.unlink(missing_ok=True)
    write_table(table, path, "checkpoints")


def sources(suite: Suite) -> list[ModelSource]:
    """Return where each model's checkpoints are and which steps are wanted."""
    return [_source(model, suite) for model in suite.models]


def summary(table: pd.DataFrame) -> str:
    """Return a line per model and status for people."""
    parts = table.groupby(["model", "format", "status", "used"], sort=False, dropna=False)
    lines = [
        f"  {model}: {len(part)} {status}, {form if isinstance(form, str) else 'nothing'}, "
        f"{part['bytes'].sum() / 1e9:.2f} GB{'' if used else ', left out'}"
        for (model, form, status, used), part in parts
    ]
    return "\n".join(["checkpoints:", *lines])


def _source(model: Model, suite: Suite) -> ModelSource:
    hub, folder = source_of(model, suite.checkpoints)
    steps = model.steps or suite.steps
    per_step = tokens_per_step_of(model, suite.checkpoints)
    return ModelSource(
        name=model.name,
        parameters=model.parameters,
        source="hub" if hub else "folder",
        address=(hub or "").format(model=model.name) if hub else str(folder),
        steps=steps,
        tokens_per_step=per_step or 0,
        revision=model.revision or suite.checkpoints.revision,
        tokens=None if per_step else {step: tokens_of(model, suite.checkpoints, step) for step in steps},
        main_is=suite.checkpoints.main_is if model.main_is is None else model.main_is,
    )

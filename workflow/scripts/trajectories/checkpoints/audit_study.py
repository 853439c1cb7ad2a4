"""The audit as a stage: from a study's config to `checkpoints.tsv`."""

import logging
from pathlib import Path

import pandas as pd

from trajectories.checkpoints.audit import AuditSpec, anomaly_footnotes, audit, check_anomalies
from trajectories.checkpoints.records import ModelSource
from trajectories.errors import UserError
from trajectories.study.config import Model, Study, source_of
from trajectories.tables import write_table

logger = logging.getLogger(__name__)


def audit_study(study: Study, output: Path | str) -> pd.DataFrame:
    """Audit a study's checkpoints and write `checkpoints.tsv` to `output`; print it to the log; return it.

    Where the policy is to stop at anomalies, the table is written beside `output` as `….found.tsv` instead, for the
    user to look at, and `UserError` names every anomaly.
    """
    table = audit(audit_spec(study))
    logger.info("\n%s", summary(table))
    found = Path(output).with_suffix(".found.tsv")
    try:
        check_anomalies(table, study.checkpoints.anomalies)
    except UserError as error:
        write_table(table, found, "checkpoints")
        raise UserError(f"{error}\n  the whole table is in {found}") from error
    found.unlink(missing_ok=True)
    write_table(table, output, "checkpoints")
    return table


def audit_spec(study: Study) -> AuditSpec:
    """Return what of a study's config the audit depends on, and nothing else."""
    suite = study.checkpoints
    models = tuple(model_source(study, model) for model in study.models)
    return AuditSpec(models, suite.anomalies, suite.compare)


def model_source(study: Study, model: Model) -> ModelSource:
    """Return where one model's checkpoints are: its own keys where it has them, else the suite's."""
    suite = study.checkpoints
    hub, folder = source_of(model, suite)
    return ModelSource(
        name=model.name,
        parameters=model.parameters,
        source="folder" if hub is None else "hub",
        address=(folder if hub is None else hub) or "",
        steps=study.steps_of(model),
        tokens_per_step=model.tokens_per_step or suite.tokens_per_step,
        revision=model.revision or suite.revision,
    )


def summary(table: pd.DataFrame) -> str:
    """Return a line per model and status for people, then what is wrong."""
    sizes = table.groupby(["model", "format", "status", "used"], sort=False, dropna=False)
    lines = [
        f"  {model}: {len(part)} {status}, {form if isinstance(form, str) else 'nothing'}, "
        f"{part['bytes'].sum() / 1e9:.2f} GB{'' if used else ', left out'}"
        for (model, form, status, used), part in sizes
    ]
    return "\n".join(["checkpoints:", *lines, *anomaly_footnotes(table)])

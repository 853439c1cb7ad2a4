"""The audit: every (model, step) of a study resolved to the files that will be scored, before anything is spent.

The table it makes is the study's lock: later stages use its commits and hashes and nothing else.
"""

import json
import logging
from dataclasses import dataclass, field

import pandas as pd

from trajectories.checkpoints.audit_folders import survey_folders
from trajectories.checkpoints.audit_hub import survey_hub
from trajectories.checkpoints.heal import Healer, Recovery
from trajectories.checkpoints.notes import anomalous, anomaly_lines
from trajectories.checkpoints.records import Finding, ModelSource, Policy
from trajectories.checkpoints.survey import Survey
from trajectories.errors import UserError
from trajectories.hub.history import counted
from trajectories.tables import COLUMNS

logger = logging.getLogger(__name__)

RECOVERED = "recovered"
UNUSABLE = ("missing", "no-weights", "no-config")  # statuses that no policy can turn into a score


@dataclass(frozen=True)
class AuditSpec:
    """What to audit: the models with their steps, what to do about anomalies, and how far to compare.

    `compare` is `used` (the study's steps, `main` and the last step) or `all` (every branch of the repository);
    `recovery` says how far to look for other weights where anomalies are to be recovered.
    """

    models: tuple[ModelSource, ...]
    anomalies: Policy = "stop"
    compare: str = "used"
    recovery: Recovery = field(default_factory=Recovery)


def audit(spec: AuditSpec) -> pd.DataFrame:
    """Return the table of checkpoints (`docs/tables.md`), one row per model and step, in the study's order.

    Nothing is downloaded but metadata. Anomalies are in the columns `status` and `detail`, and `used` follows the
    policy; `check_anomalies` raises on them. Raises `UserError` for a repository or a folder that cannot be read.
    """
    with counted() as asked:
        rows = [row(finding, spec.anomalies) for finding in _findings(spec)]
    table = pd.DataFrame(rows, columns=list(COLUMNS["checkpoints"]))
    if asked.requests:
        logger.info("audit: %d requests to the hub", asked.requests)
    for status, count in table["status"].value_counts().items():
        logger.info("audit: %d checkpoint(s) %s", count, status)
    return table


def row(finding: Finding, policy: Policy) -> dict[str, object]:
    """Return one row of the table for a finding."""
    listing, files = finding.listing, (*finding.weights, *finding.support)
    return {
        "model": finding.model.name,
        "parameters": finding.model.parameters,
        "step": finding.step,
        "tokens": finding.model.tokens_at(finding.step),
        "source": listing.source if listing else f"{finding.model.source}:{finding.model.address}",
        "revision": listing.revision if listing else None,
        "commit": listing.commit if listing else None,
        "format": finding.format,
        "bytes": sum(file.size for file in files),
        "files": json.dumps({file.name: file.hash for file in files}),
        "sizes": json.dumps({file.name: file.size for file in files}),
        "status": finding.fault.status if finding.fault else RECOVERED if finding.recovered else "ok",
        "detail": _detail(finding),
        "shared": finding.fault.hash if finding.fault and finding.fault.hash else None,
        "used": _used(finding, policy),
    }


def check_anomalies(table: pd.DataFrame, policy: Policy) -> None:
    """Raise `UserError` naming every anomaly when the policy is `stop`; the first line stands alone.

    Raises `UserError` as well when nothing usable is left, whatever the policy.
    """
    wrong = anomalous(table)
    if policy == "stop" and len(wrong):
        raise UserError("\n".join([_summary(table, wrong), *anomaly_lines(wrong)]))
    if not table["used"].any():
        raise UserError("\n".join([f"none of the {len(table)} checkpoints can be used:", *anomaly_lines(wrong)]))


def _findings(spec: AuditSpec) -> list[Finding]:
    def look(model: ModelSource) -> Survey:
        return survey_folders(model) if model.source == "folder" else survey_hub(model, spec.compare)

    if spec.anomalies != "recover":
        return [finding for model in spec.models for finding in look(model).findings()]
    healer = Healer(spec.recovery, look)
    found = [finding for model in spec.models for finding in healer.heal(look(model))]
    healer.check_mirrors()
    return found


def _detail(finding: Finding) -> str:
    said = finding.fault.detail if finding.fault else ""
    taken = f"recovered from {finding.recovered}" if finding.recovered else ""
    return "; ".join(part for part in (said, taken, finding.note) if part)


def _used(finding: Finding, policy: Policy) -> bool:
    if finding.fault is None:
        return True
    return policy == "keep" and finding.fault.status not in UNUSABLE


def _summary(table: pd.DataFrame, wrong: pd.DataFrame) -> str:
    """Say how many checkpoints are not what their names say, how many are missing, and what can be done about it."""
    missing = int((wrong["status"] == "missing").sum())
    others = len(wrong) - missing
    are = "is" if missing == 1 else "are"
    models = ", ".join(dict.fromkeys(wrong["model"].astype(str)))
    if not others:
        return (
            f"{missing} of {len(table)} checkpoints {are} missing ({models}); take these steps out, or set "
            "`anomalies: exclude` to do without them:"
        )
    absent = f", {missing} {are} missing" if missing else ""
    cures = (
        "set `anomalies: recover` to look for the right weights elsewhere, `anomalies: exclude` to leave them out, "
        "`anomalies: keep` to score them all the same, or take these steps out of the study:"
    )
    return f"{others} of {len(table)} checkpoints are not what their names say{absent} ({models}); {cures}"

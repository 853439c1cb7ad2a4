"""The look ahead as a whole: `snakemake check`, and the start of every run."""

from collections.abc import Sequence
from pathlib import Path

from trajectories.preflight.findings import Findings
from trajectories.preflight.machine import look_at_disk, look_at_gpus
from trajectories.preflight.questions import look_at_questions
from trajectories.preflight.suite import look_at_suite
from trajectories.preflight.tokenizers import look_at_tokenizers
from trajectories.study.config import Study


def look_ahead(
    study: Study, *, results: Path, scratch: Path, on_disk: int, gpus: Sequence[str] | None = None
) -> Findings:
    """Return everything that can be known before the first job.

    `gpus` are those of this machine, or None where jobs run elsewhere, on machines that cannot be looked at.
    """
    findings = Findings()
    if study.imported is not None:
        return findings
    questions = look_at_questions(study, findings)
    if study.pocket is None:  # its suite is trained first
        last = look_at_suite(study, findings)
        look_at_tokenizers(study, last, questions, findings)
    if gpus is not None:
        look_at_gpus(study, gpus, findings)
        look_at_disk(study, results, scratch, on_disk, findings)
    return findings

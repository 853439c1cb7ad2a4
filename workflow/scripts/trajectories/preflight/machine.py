"""The machine: a GPU if one is asked for, room for what is downloaded."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from trajectories.errors import UserError
from trajectories.preflight.findings import Findings
from trajectories.study.config import Study
from trajectories.study.sources import source_of
from trajectories.tables import read_table

BYTES = 2  # of a parameter in most published checkpoints


def look_at_gpus(study: Study, gpus: Sequence[str], findings: Findings) -> None:
    """See that the device the study names is here; `gpus` are those this process may use."""
    device = study.scoring.device
    if not device.startswith("cuda"):
        return
    number = int(device.partition(":")[2] or 0)
    if number >= len(gpus):
        here = f"{len(gpus)} GPUs are" if len(gpus) != 1 else "1 GPU is"
        findings.wrong(f"scoring.device is {device!r}, and {here} here; say auto, which takes what there is, or cpu")


def look_at_disk(study: Study, results: Path, scratch: Path, on_disk: int, findings: Findings) -> None:
    """See that the checkpoints that lie on disk at once fit there: as the audit listed them, or by their parameters."""
    sizes, known = _sizes(study, results)
    at_once = sizes if study.checkpoints.keep else sorted(sizes, reverse=True)[:on_disk]
    place = next(folder for folder in (scratch, *scratch.absolute().parents) if folder.exists())
    needed, free = sum(at_once), shutil.disk_usage(place).free
    if needed <= free:
        return
    about = "" if known else "about "
    line = (
        f"{scratch}: {about}{needed / 1e9:.1f} GB are needed for {len(at_once)} downloaded checkpoints, "
        f"{free / 1e9:.1f} GB are free; make room, set checkpoints.scratch to another disk or lower checkpoints_on_disk"
    )
    if known:
        findings.wrong(line)
    else:
        findings.warn([line])


def _sizes(study: Study, results: Path) -> tuple[list[int], bool]:
    """Return the bytes of every checkpoint that is still to be downloaded, and whether an audit has counted them."""
    try:
        table = read_table(results / "checkpoints.tsv", "checkpoints")
    except (UserError, OSError):
        models = [model for model in study.models if source_of(model, study.checkpoints)[1] is None]
        return [BYTES * model.parameters for model in models for _ in study.steps_of(model)], False
    left = [
        int(str(row.bytes))
        for row in table.itertuples()
        if row.used and str(row.source).startswith("hub:")
        if not (results / "scores" / str(row.model) / f"step{row.step}.parquet").exists()
    ]
    return left, True

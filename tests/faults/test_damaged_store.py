"""A finished score that a disk has damaged is named, removed, and made again by the next try."""

from pathlib import Path

import pytest

from support.one_job import OneJob
from trajectories import UserError


@pytest.mark.parametrize("keep", [0, 100, -1])
def test_a_damaged_file_of_the_store_heals(tmp_path: Path, keep: int) -> None:
    job = OneJob.prepare(tmp_path)
    job.run()
    whole = job.output.read_bytes()
    (stored,) = job.stored
    stored.write_bytes(stored.read_bytes()[:keep])
    job.output.unlink()
    with pytest.raises(UserError, match=rf"{stored.name}: was damaged and has been removed"):
        job.run()
    assert not job.output.exists()
    job.run()
    assert job.output.read_bytes() == whole

"""A finished score that a disk has damaged is named, removed, and made again by the next try."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.one_job import OneJob
from trajectories import UserError


def cut(keep: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:keep]


def flip(place: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("damage", [cut(0), cut(100), cut(-1), flip(300)], ids=["empty", "short", "one less", "a bit"])
def test_a_damaged_file_of_the_store_heals(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    job = OneJob.prepare(tmp_path)
    job.run()
    whole = job.output.read_bytes()
    (stored,) = job.stored
    stored.write_bytes(damage(whole))
    job.output.unlink()
    with pytest.raises(UserError, match=rf"{stored.resolve().name}: was damaged and has been removed"):
        job.run()
    assert not job.output.exists()
    job.run()
    assert job.output.read_bytes() == whole

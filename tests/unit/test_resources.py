"""What a scoring job asks for."""

from pathlib import Path

import pytest

from trajectories.checkpoints.rates import DEVICES
from trajectories.jobs.resources import LIBRARIES_MB, device_of, memory_mb, minutes, most_tokens


def test_memory_follows_the_weights() -> None:
    assert memory_mb(12_000_000_000, "float16", ahead=False) == LIBRARIES_MB + 48_000
    assert memory_mb(70_000_000, "float16", ahead=False) == LIBRARIES_MB + 280
    assert memory_mb(70_000_000, "float32", ahead=False) == LIBRARIES_MB + 560
    assert memory_mb(70_000_000, "float32", ahead=True) == LIBRARIES_MB + 840  # the next one's weights


def test_time_by_hand() -> None:
    a100 = DEVICES["A100"]
    # 24 GB at 100 MB/s: 240 s; 20 s to start; 24 s to load; 2 x 13e9 x 5.2e6 / (0.48 x 312e12): 903 s; thrice, + 10 min
    assert minutes(12_000_000_000, "float16", 5_200_000, a100, 100e6, 1) == 10 + 60
    assert minutes(12_000_000_000, "float16", 5_200_000, a100, None, 1) == 10 + 48
    # eight of them: 20 s + 8 x 927 s, thrice
    assert minutes(12_000_000_000, "float16", 5_200_000, a100, None, 8) == 10 + 372


def test_a_small_model_asks_for_less() -> None:
    times = [minutes(size, "float16", 1_000_000, device_of(None, "auto"), 1e8, 1) for size in (70_000_000, 12 * 10**9)]
    assert times[0] < times[1] / 4


def test_the_device_is_the_named_one_or_a_slow_one() -> None:
    assert device_of("H100", "auto").name == "H100"
    assert device_of(None, "cpu").name == "CPU"
    assert device_of(None, "auto").name == "T4"


def test_tokens_are_bounded_by_the_files_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(4000))
    (tmp_path / "b").write_bytes(bytes(400))
    assert most_tokens([tmp_path / "a", tmp_path / "b"]) == 1100
    with pytest.raises(FileNotFoundError):
        most_tokens([tmp_path / "missing"])

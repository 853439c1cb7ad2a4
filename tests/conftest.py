"""Fixtures every test may use."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: files run side by side, and idle threads spin

import pytest

from support.hub_fixtures import data_hub, hub, waits

__all__ = ["data_hub", "hub", "waits"]

LONGEST = ("test_demo.py", "test_interruptions.py", "test_after_scoring.py", "test_hub_study.py")  # minutes each
PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The published data that is not part of the project; tests that need it skip where it is not."""
    folder = Path(os.environ.get("TRAJECTORIES_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the published data folder is not here: set TRAJECTORIES_DATA to it")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest files first, so that no core waits for one of them at the end."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))

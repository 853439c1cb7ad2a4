from pathlib import Path

import pytest

from support.made_report import made_report, made_tables


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    return made_tables(tmp_path)


@pytest.fixture
def report(tables: dict[str, Path], tmp_path: Path) -> Path:
    return made_report(tables, tmp_path)

from pathlib import Path

import pytest

from trajectories.pocket.folders import remove_parts, whole_folder


def test_a_folder_appears_with_all_its_files(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "a" / "step1") as part:
        (part / "deep").mkdir()
        (part / "deep" / "file").write_text("text")
        assert not (tmp_path / "a" / "step1").exists()
    assert (tmp_path / "a" / "step1" / "deep" / "file").read_text() == "text"
    assert [entry.name for entry in (tmp_path / "a").iterdir()] == ["step1"]


def test_a_folder_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    for name in ("old", "new"):
        with whole_folder(tmp_path / "step1") as part:
            (part / name).touch()
    assert [entry.name for entry in (tmp_path / "step1").iterdir()] == ["new"]


def write_and_fail(path: Path) -> None:
    with whole_folder(path) as part:
        (part / "half").touch()
        raise RuntimeError("disk full")


def test_a_failure_leaves_the_older_folder(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "step1") as part:
        (part / "old").touch()
    with pytest.raises(RuntimeError, match="disk full"):
        write_and_fail(tmp_path / "step1")
    assert [entry.name for entry in tmp_path.rglob("*")] == ["step1", "old"]


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".step2.0123.part").mkdir()
    (tmp_path / ".step2.0123.part" / "half").touch()
    (tmp_path / "step1").mkdir()
    remove_parts(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["step1"]
    remove_parts(tmp_path / "not there yet")

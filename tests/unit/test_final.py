"""Which failures are final: a user's mistake is, a crash is not."""

from pathlib import Path

import pytest

from trajectories.terminal.final import is_mistake


@pytest.mark.parametrize(
    ("text", "final"),
    [
        ("12:00:00 begun\n12:00:01 error: a.csv: is empty\n", True),
        ("12:00:01 error: two mistakes\n  the second one\n", True),
        ("12:00:01 error: of an earlier run\n12:00:02 begun\n", False),
        ("12:00:00 begun\n12:00:01 this is a bug in trajectories\nTraceback\nKeyError: error: 1\n", False),
        ("Loading weights: 1/28\n", False),
        ("", False),
    ],
)
def test_the_last_word_counts(tmp_path: Path, text: str, final: bool) -> None:
    (tmp_path / "log").write_text(text)
    assert is_mistake([str(tmp_path / "log")]) == final
    assert is_mistake([str(tmp_path / "gone"), str(tmp_path / "log")]) == final

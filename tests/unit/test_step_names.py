"""Steps as suites write them: with zeros before the number, or to a fixed width."""

from pathlib import Path

import pytest

from trajectories.checkpoints.audit_folders import folder_path
from trajectories.checkpoints.revisions import step_branches
from trajectories.errors import UserError
from trajectories.study.values import has_step

AMBER = ["main", *(f"ckpt_{step:03d}" for step in (0, 1, 10, 358, 1200))]


@pytest.mark.parametrize("pattern", ["ckpt_{step}", "ckpt_{step:03d}"])
def test_branches_with_zeros_before_the_number(pattern: str) -> None:
    assert step_branches(pattern, AMBER) == {step: f"ckpt_{step:03d}" for step in (0, 1, 10, 358, 1200)}


def test_a_width_takes_names_of_that_width_alone() -> None:
    assert step_branches("iter_{step:07d}", ["iter_0001000", "iter_1000", "iter_12345678"]) == {
        1000: "iter_0001000", 12345678: "iter_12345678",
    }  # fmt: skip
    with pytest.raises(UserError, match="both 'step001' and 'step1' are step 1"):
        step_branches("step{step}", ["step001", "step1"])


@pytest.mark.parametrize("pattern", ["m/checkpoint-{step}", "m/checkpoint-{step:06d}"])
def test_folders_with_zeros_before_the_number(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "m/checkpoint-000100").mkdir(parents=True)
    assert folder_path(f"{tmp_path}/{pattern}", "m", 100) == tmp_path / "m/checkpoint-000100"
    assert not folder_path(f"{tmp_path}/{pattern}", "m", 10).exists()


def test_the_folder_that_is_written_as_the_pattern_says_comes_first(tmp_path: Path) -> None:
    for name in ("step10", "step010", "step0010", "step07", "step007"):
        (tmp_path / name).mkdir()
    assert folder_path(f"{tmp_path}/step{{step}}", "m", 10) == tmp_path / "step10"
    with pytest.raises(UserError, match="step 7 of m matches"):
        folder_path(f"{tmp_path}/step{{step}}", "m", 7)


def test_a_pattern_with_a_width_names_the_step() -> None:
    assert has_step("a/{step:03d}")
    assert not has_step("a/{model}")

"""The claim on a study: one holder, named to others, gone with its process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trajectories.errors import UserError
from trajectories.study.claim import claim

HOLD = "import sys; from trajectories.study.claim import claim; claim(sys.argv[1]); print('held', flush=True); input()"


def test_a_second_claim_is_refused_and_names_the_first(tmp_path: Path) -> None:
    held = claim(tmp_path / "study")
    with pytest.raises(UserError, match=f"another Snakemake is at work on this study .process {os.getpid()} on "):
        claim(tmp_path / "study")
    os.close(held)
    os.close(claim(tmp_path / "study"))


def test_a_killed_process_leaves_no_claim(tmp_path: Path, project: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(project / "workflow" / "scripts")}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UserError, match=f"process {holder.pid} on"):
        claim(tmp_path)
    holder.kill()
    holder.wait()
    os.close(claim(tmp_path))


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file: cannot be written to"):
        claim(tmp_path / "file")

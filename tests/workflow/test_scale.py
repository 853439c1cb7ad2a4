"""Large studies are planned whole: one job per checkpoint, and the shared work once."""

import re
import subprocess
from pathlib import Path

import yaml

from support.toy import PROJECT, quiet_environment, snakemake_command
from trajectories.study.config import Study


def test_the_largest_study_has_9394_checkpoints() -> None:
    study = Study.from_config(yaml.safe_load((PROJECT / "studies" / "everything.yaml").read_text()))
    assert len(study.models) == 8 * 2 + 45
    assert sum(len(study.steps_of(model)) for model in study.models) == 9394


def test_five_hundred_checkpoints_share_what_can_be_shared(tmp_path: Path) -> None:
    study = yaml.safe_load((PROJECT / "studies" / "everything.yaml").read_text())
    config = tmp_path / "study.yaml"
    config.write_text(yaml.safe_dump(study | {"models": study["models"][:5], "steps": list(range(100))}))
    command = snakemake_command(config, "--dry-run", "--quiet", "rules")
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=quiet_environment())
    assert done.returncode == 0, done.stderr
    counts = {rule: int(count) for rule, count in re.findall(r"(?m)^(\w+) +(\d+)$", done.stdout + done.stderr)}
    assert counts["score"] == 500
    assert counts["questions"] == 12
    assert counts["encode"] == 11  # the two TruthfulQA metrics share one tree
    assert counts["audit"] == counts["accuracy"] == counts["fit"] == counts["report"] == 1

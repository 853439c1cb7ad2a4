"""Every study that comes with the project is planned whole: scoring in batches, and the shared work once."""

import math
import os
import shutil
from pathlib import Path

import pytest
import yaml

from support.studies import job_stats, scoring_jobs
from support.toy import PROJECT, run_toy
from trajectories.jobs.batches import crew_of, job_sizes
from trajectories.jobs.devices import visible_gpus
from trajectories.study.config import Study


def test_the_largest_study_has_9394_checkpoints() -> None:
    study = Study.from_config(yaml.safe_load((PROJECT / "studies" / "everything.yaml").read_text()))
    assert len(study.models) == 8 * 2 + 45
    assert sum(len(study.steps_of(model)) for model in study.models) == 9394


def planned(config: Path) -> dict[str, int]:
    """Plan a study in its config's folder; return how many jobs of each rule it needs."""
    done = run_toy(config, "--dry-run", "--quiet", "rules")
    assert done.returncode == 0, done.stdout + done.stderr
    return job_stats(done.stdout + done.stderr)


SCORED = [
    "config.yaml",
    *(
        f"studies/{name}.yaml"
        for name in ("deduped", "demo", "full-grid", "olmo2", "prize", "seeds", "small", "wei2022", "wei2022-pocket")
    ),
]


@pytest.mark.parametrize("name", SCORED)
def test_a_study_of_the_project_is_planned(name: str, tmp_path: Path) -> None:
    study = Study.from_config(yaml.safe_load((PROJECT / name).read_text()))
    config = tmp_path / "study.yaml"
    shutil.copy(PROJECT / name, config)
    counts = planned(config)
    crew = crew_of(study, visible_gpus(os.environ), 2, None, 2, 30)
    sizes = job_sizes(study, crew)
    assert scoring_jobs(counts) == sum(math.ceil(len(study.steps_of(m)) / sizes[m.name]) for m in study.models)
    assert counts["encode"] == 1
    assert counts["questions"] == len(study.tasks)


def test_no_study_of_the_project_is_forgotten() -> None:
    found = {file.stem for file in (PROJECT / "studies").glob("*.yaml")}
    elsewhere = {"everything", "published"}  # below, and tests/workflow/test_imports.py
    assert found == {Path(name).stem for name in SCORED[1:]} | elsewhere


def test_five_hundred_checkpoints_share_what_can_be_shared(tmp_path: Path) -> None:
    study = yaml.safe_load((PROJECT / "studies" / "everything.yaml").read_text())
    config = tmp_path / "study.yaml"
    config.write_text(
        yaml.safe_dump(
            study
            | {"models": study["models"][:5], "steps": list(range(100))}
            | {"scoring": study["scoring"] | {"checkpoints_per_job": 25}}
        )
    )
    counts = planned(config)
    assert scoring_jobs(counts) == 5 * 4
    assert counts["questions"] == 12
    assert counts["encode"] == 1
    assert counts["audit"] == counts["accuracy"] == counts["fit"] == counts["report"] == 1

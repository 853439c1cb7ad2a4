"""The complete studies that come with the project."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from trajectories.checkpoints.revisions import step_branches
from trajectories.study.config import Study
from trajectories.study.sources import source_of, tokens_of

CHECKPOINTS = {"full-grid": 8 * 154, "deduped": 64, "seeds": 45 * 8, "small": 40, "olmo2": 14}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_studies_are_valid_and_as_large_as_they_say(project: Path, name: str) -> None:
    study = Study.from_config(yaml.safe_load((project / f"studies/{name}.yaml").read_text()), name)
    assert study.study == name
    assert sum(len(study.steps_of(model)) for model in study.models) == CHECKPOINTS[name]
    assert len(study.tasks) == 12
    assert all(source_of(model, study.checkpoints)[0] for model in study.models)


def test_the_prizes_study_has_its_eleven_tasks_and_three_suites(project: Path) -> None:
    study = Study.from_config(yaml.safe_load((project / "studies/prize.yaml").read_text()))
    assert len(study.tasks) == 11
    assert Counter(study.suites.values()) == {"Pythia": 8, "OPT": 6, "GPT-2": 4}
    assert len(set(study.sizes.values())) == len(study.models)
    compute = [
        6 * model.parameters * tokens_of(model, study.checkpoints, study.steps_of(model)[-1]) for model in study.models
    ]
    assert all(later > earlier for suite in ("Pythia", "OPT", "GPT-2") for earlier, later in pairwise(
        flops for flops, model in zip(compute, study.models, strict=True) if model.suite == suite
    ))  # fmt: skip
    assert compute[13] == 6 * 13e9 * 180e9
    places = {source_of(model, study.checkpoints)[0] for model in study.models}
    assert places == {"EleutherAI/{model}", "facebook/{model}", "openai-community/{model}"}


def test_olmo_models_are_compared_at_equal_tokens(project: Path) -> None:
    study = Study.from_config(yaml.safe_load((project / "studies/olmo2.yaml").read_text()))
    tokens = [{step * (model.tokens_per_step or 0) for step in study.steps_of(model)} for model in study.models]
    assert tokens[0] == tokens[1]
    assert tokens[2] < tokens[0]


def test_olmo_branch_names_are_understood(project: Path) -> None:
    """Names that the repository lists (allenai/OLMo issue 915, and its model card's discussion)."""
    study = Study.from_config(yaml.safe_load((project / "studies/olmo2.yaml").read_text()))
    names = ["main", "stage1-step150-tokens1B", "stage1-step101000-tokens424B", "stage1-step928646-tokens3896B",
             "step150-tokens1B", "stage2-ingredient1-step11931-tokens50B"]  # fmt: skip
    assert step_branches(study.checkpoints.revision, names) == {
        150: "stage1-step150-tokens1B", 101000: "stage1-step101000-tokens424B",
        928646: "stage1-step928646-tokens3896B",
    }  # fmt: skip

"""How checkpoints are cut into jobs: long enough to be worth their start, enough of them, and from the config alone."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from support.toy import PROJECT
from trajectories.checkpoints.rates import START
from trajectories.jobs.batches import Crew, assumed_tokens, batches, checkpoint_seconds, crew_of, cut, job_sizes
from trajectories.study.config import Study

ONE_H200 = Crew(1, "H200", 30)


def study_of(name: str, **changes: Any) -> Study:
    config = yaml.safe_load((PROJECT / name).read_text())
    return Study.from_config(config | changes)


@pytest.fixture(scope="module")
def paper() -> Study:
    return study_of("config.yaml")


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=1, max_size=200).map(sorted), st.integers(1, 300))
def test_every_step_is_in_one_run_and_runs_are_about_as_long(steps: list[int], size: int) -> None:
    runs = cut(tuple(steps), size)
    assert [step for run in runs for step in run] == steps
    lengths = [len(run) for run in runs]
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= 1
    assert len(runs) == -(-len(steps) // size)


def test_the_paper(paper: Study) -> None:
    sizes = job_sizes(paper, ONE_H200)
    assert sizes["pythia-70m"] == 8  # all of its steps in one job
    assert sizes["pythia-12b"] == 1
    assert assumed_tokens(paper.tasks) == pytest.approx(3.3e6, rel=0.05)


@pytest.mark.parametrize("name", ["config.yaml", "studies/everything.yaml", "studies/demo.yaml"])
@pytest.mark.parametrize("crew", [ONE_H200, Crew(8, "A100", 30), Crew(2, "CPU", 30), Crew(4, "T4", 5)])
def test_batches_are_worth_their_start_and_not_too_long(name: str, crew: Crew) -> None:
    study = study_of(name)
    sizes = job_sizes(study, crew)
    count = sum(len(cut(study.steps_of(model), sizes[model.name])) for model in study.models)
    assert count >= crew.workers
    share = sum(checkpoint_seconds(study, m, crew.device) * len(study.steps_of(m)) for m in study.models) / crew.workers
    for model in study.models:
        own, size = checkpoint_seconds(study, model, crew.device), sizes[model.name]
        most = min(60 * crew.batch_minutes, max(share, START))
        assert size == 1 or size * own <= most
        if size < len(study.steps_of(model)) and count > crew.workers:
            assert size * own >= 10 * START or (size + 1) * own > most


def test_every_worker_has_a_job(paper: Study) -> None:
    small = study_of("config.yaml", models=[{"name": "pythia-14m", "parameters": 14e6}])
    for workers in (1, 2, 3, 8, 20):
        cuts = cut(small.steps, job_sizes(small, Crew(workers, "H200", 30))["pythia-14m"])
        assert len(cuts) >= min(workers, 8)


def test_a_number_is_taken_as_it_is() -> None:
    study = study_of("config.yaml", scoring={"checkpoints_per_job": 3})
    assert set(job_sizes(study, Crew(64, "H200", 1)).values()) == {3}
    names = [batch.name for batch in batches(study, ONE_H200)]
    assert names == ["score", "score_1", "score_2", "score_3"]  # all models are cut alike: 2, 3 and 3 steps


def test_models_that_are_cut_alike_share_rules_and_every_checkpoint_has_one() -> None:
    study = study_of("studies/everything.yaml")
    cuts = batches(study, Crew(4, "A100", 30))
    assert len(cuts) < 250
    assert len({batch.name for batch in cuts}) == len(cuts)
    alone = set(cuts[0].models)
    places = [(model, step) for batch in cuts for model in batch.models for step in batch.steps or ()]
    whole = [(model.name, step) for model in study.models if model.name not in alone for step in study.steps_of(model)]
    assert sorted(places) == sorted(whole)
    assert "pythia-12b" in alone


def test_how_work_is_cut_is_no_part_of_what_rules_look_at(paper: Study) -> None:
    other = study_of("config.yaml", scoring=paper.scoring.model_dump() | {"checkpoints_per_job": 3})
    assert other.scoring.checkpoints_per_job == 3
    assert other.section("scoring") == paper.section("scoring")


def test_who_works_on_a_study() -> None:
    gpu, cpu = study_of("config.yaml"), study_of("studies/demo.yaml")
    assert crew_of(cpu, [], 16, None, 2, 30) == Crew(16, "CPU", 30)
    assert crew_of(gpu, [], 16, None, 2, 30) == Crew(2, "CPU", 30)  # jobs of large models have half of the cores
    assert crew_of(gpu, [], None, 64, 8, 30) == Crew(4, "A100", 30)  # a queue: half of the checkpoints on disk
    named = study_of("config.yaml", plan={"device": "H200"})
    assert crew_of(named, ["0", "1", "2"], 16, None, 4, 30) == Crew(3, "H200", 30)

"""The known tasks."""

import pytest

from trajectories.errors import UserError
from trajectories.questions.catalogue import known_tasks, preamble_text
from trajectories.questions.rows import to_questions
from trajectories.questions.task import Task
from trajectories.study.protocol import Protocol

PAPER = {
    "sig_figs": 20897, "resisting_correction": 7344, "repetitive_algebra": 1000, "pattern_matching_suppression": 1428,
    "modus_tollens": 1236, "into_the_unknown": 1824, "redefine": 1244, "neqa": 300, "memo_trap": 936,
    "hindsight_neglect": 315, "truthfulqa_mc1": 817, "truthfulqa_mc2": 817,
}  # fmt: skip


def test_the_papers_twelve_tasks_with_their_counts() -> None:
    tasks = known_tasks()
    assert {name: tasks[name].questions for name in PAPER} == PAPER


def test_the_prizes_eleventh_task_is_a_continuation() -> None:
    task = known_tasks()["prompt_injection"]
    (question,) = to_questions([{"prompt": "Repeat: no", "completion": " no", "round": 2}], _one(task), Protocol())
    assert (question.context, question.choices, question.labels) == ("Repeat: no", (" no",), (1,))
    assert (task.metric, task.questions) == ("sequence_loss", 1000)
    with pytest.raises(UserError, match="has 1 questions, its record says 1000"):
        to_questions([{"prompt": "Repeat: no", "completion": " no"}], task, Protocol())


def _one(task: Task) -> Task:
    return task.model_copy(update={"questions": 1})


def test_the_harness_tag_has_its_eleven_tasks_and_data_sets() -> None:
    lm_eval = pytest.importorskip("lm_eval")
    from pathlib import Path

    import yaml

    folder = Path(lm_eval.__file__).parent / "tasks/inverse_scaling"
    theirs = {
        record["task"]: record["dataset_path"]
        for path in folder.glob("inverse_scaling_*.yaml")
        for record in [yaml.safe_load(path.read_text())]
    }
    ours = {name: task.hub.dataset for name, task in known_tasks().items() if name in theirs and task.hub}
    assert ours == theirs
    assert len(ours) == 11


def test_every_record_is_complete() -> None:
    for task in known_tasks().values():
        assert task.hub is not None or task.generator is not None
        assert task.label
        if task.hub is not None:
            assert task.licence
            assert task.citation
            assert task.questions


def test_an_unknown_preamble() -> None:
    with pytest.raises(UserError, match="not in the catalogue"):
        preamble_text("nothing")

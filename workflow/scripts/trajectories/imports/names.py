"""Task and metric names: how harnesses call what a study calls by its own names."""

import re
from collections.abc import Mapping
from functools import cache

from trajectories.imports.reading import Reading
from trajectories.questions.task import Task
from trajectories.study.config import Study
from trajectories.study.metrics import METRICS

MC_TASKS: Mapping[str, str] = {"truthfulqa_mc1": "mc1", "truthfulqa_mc2": "mc2"}
"""v0.4 tasks whose `acc` is one of TruthfulQA's two metrics."""

OURS: Mapping[str, str] = {
    "acc": "accuracy", "em": "exact_match", "ppl": "perplexity", "acc_mutual_info": "accuracy_pmi",
    "acc_norm": "accuracy_norm", "acc_bytes": "accuracy_bytes",
}  # fmt: skip
"""The harness's names of metrics that have another one here; any other name is taken as it is."""

_PREFIXES = ("isp_", "inverse_scaling_prize_", "inverse_scaling_")
_SAME = {
    "pattern_match_suppression": "pattern_matching_suppression", "hindsight_neglect_10shot": "hindsight_neglect",
    "redefine_math": "redefine",
}  # fmt: skip


@cache
def task_key(name: str) -> str:
    """Return a task's name without what harnesses put around it: `isp_neqa` and `inverse_scaling_neqa` are `neqa`."""
    parts = name.split("|")  # lighteval: suite|task|shots
    key = re.sub(r"[-:\s]", "_", parts[1] if len(parts) >= 3 else parts[0]).lower()
    if key in (*MC_TASKS, "truthfulqa_mc"):
        return "truthfulqa"
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return _SAME.get(key, key)


def tasks_of(reading: Reading, study: Study) -> list[Task]:
    """Return the tasks of the study that a number may belong to: by alias, by name, else by what its name comes to."""
    for rule in (
        [task for task in study.tasks if reading.task in task.alias],
        [task for task in study.tasks if task.name == reading.task],
        [task for task in study.tasks if task_key(task.name) == task_key(reading.task)],
    ):
        if rule:
            return _by_metric(reading, rule, study)
    return []


def metric_name(reading: Reading, task: Task, study: Study) -> str:
    """Return our name of the metric of a number of `task`."""
    if reading.metric is None:
        return MC_TASKS.get(reading.task) or study.metric_of(task)
    if reading.task in MC_TASKS and reading.metric == "acc":
        return MC_TASKS[reading.task]
    own = study.metric_of(task)
    return (
        reading.metric
        if reading.metric in METRICS or reading.metric == own
        else OURS.get(reading.metric, reading.metric)
    )


def _by_metric(reading: Reading, tasks: list[Task], study: Study) -> list[Task]:
    """Choose among tasks that share questions and differ in the metric, as TruthfulQA's two do."""
    if len(tasks) == 1:
        return tasks
    wanted = MC_TASKS.get(reading.task) or reading.metric
    return [task for task in tasks if study.metric_of(task) == wanted] or tasks

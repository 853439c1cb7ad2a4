"""From `{harness: name, …}` in a config to records of tasks and of their averages."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from trajectories.errors import UserError
from trajectories.questions.average import Average
from trajectories.questions.harness.cache import content_of, library_version, remembered
from trajectories.questions.harness.generation import check_generation
from trajectories.questions.harness.names import GENERATE, Expansion, Named, NamedGroup
from trajectories.questions.harness.record import HarnessTask
from trajectories.questions.task import Task
from trajectories.study.metrics import METRICS, filtered_name
from trajectories.study.names import LONGEST

ASKED = ("multiple_choice", "loglikelihood", "loglikelihood_rolling", GENERATE)
"""Output types that are answered: by log-likelihoods, the last by texts."""

# Which metric of ours the harness's own is, by the output type; the first that a task has stands for it.
STANDS: Mapping[str, Mapping[str, str]] = {
    "multiple_choice": {
        "acc": "accuracy", "acc_norm": "accuracy_norm", "acc_bytes": "accuracy_bytes",
        "acc_mutual_info": "accuracy_pmi", "exact_match": "greedy",
    },
    "loglikelihood": {"acc": "greedy", "perplexity": "perplexity"},
    "loglikelihood_rolling": {
        "bits_per_byte": "bits_per_byte", "byte_perplexity": "bits_per_byte", "word_perplexity": "word_perplexity",
    },
}  # fmt: skip
Part = TypeVar("Part", Task, Average)
MASS = "mc2"  # the function of the harness that makes TruthfulQA's MC2, which it calls acc, has this in its name


def harness_tasks(item: Mapping[str, Any], where: str) -> tuple[list[Task], list[Average]]:
    """Return the tasks that one entry of a config asks for, and the averages of the harness's groups among them.

    `item` has `harness` (a name: a task, group or tag), and may have `shots`, `include` (a folder of YAMLs or a list
    of them), `name` (for a group: the beginning of its tasks' names too), and keys of a task's record.
    Raises `UserError`, with the place in the config, for whatever the harness does not know or cannot be answered here.
    """
    keys = dict(item)
    name, shots, include = keys.pop("harness"), keys.pop("shots", None), keys.pop("include", ())
    folders = (include,) if isinstance(include, str) else tuple(include)
    try:
        if not isinstance(name, str):
            raise UserError(f"{name!r} is not a name of the harness")
        content = content_of(folders)
        found = remembered(name, folders, content)
        common = {"shots": shots, "digest": content, "library": library_version()}
        names = _names(found, name, keys.pop("name", None))
        keys["group"] = _tree(found, keys, names[name])
        tasks = [_task(named, names, keys, common) for named in found.tasks]
    except UserError as error:
        raise UserError(f"{where}: harness: {error}") from error
    metrics = {task.name: task.metric for task in tasks}
    groups = [group for group in found.groups if group.weights and _alike(group, names, tasks)]
    averages = [_average(group, names, metrics, name, keys) for group in groups]
    averages = [_inside(average, averages[:place]) for place, average in enumerate(averages)]
    return [_inside(task, averages) for task in tasks], averages


def _inside(thing: Part, outer: Sequence[Average]) -> Part:
    """Say of which average, the outermost, a task or an average is a part; groups come before those inside them."""
    own = set(thing.tasks) if isinstance(thing, Average) else {thing.name}
    around = (average.name for average in outer if own <= set(average.tasks))
    return thing.model_copy(update={"part_of": next(around, None)})


def _names(found: Expansion, asked: str, given: str | None) -> dict[str, str]:
    """Return what the study calls the tasks and groups: the harness's names, after `given` where a group has one."""
    theirs = [named.task for named in found.tasks] + [group.group for group in found.groups]
    own = {name: _safe(f"{given}-{name}" if given else name) for name in theirs}
    return own | {asked: _safe(given or asked)}


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-")[-LONGEST:].lstrip("-._")


def _tree(found: Expansion, keys: Mapping[str, Any], name: str) -> str | None:
    """Return the tree of a group's tasks: small ones are scored together."""
    tree: str | None = keys.get("group", name if len(found.tasks) > 1 else None)
    return tree


def _task(named: Named, names: Mapping[str, str], keys: Mapping[str, Any], common: Mapping[str, Any]) -> Task:
    _refuse(named, common["shots"])
    given = keys.get("metric")
    writes = _writes(named, given)
    stands, metric = ("", _metrics_of_texts(named)[0]) if writes and named.output_type else _metric(named)
    if writes:
        _check_texts(named, given)
    less = {"better": "lower"} if writes and str(given or metric).partition(",")[0] in named.lower else {}
    record = HarnessTask(
        task=named.task, yaml=named.yaml, overrides=named.overrides, version=named.version, data=named.data,
        metrics=named.metrics, stands="" if given else stands, writes=writes, **common,
    )  # fmt: skip
    return Task.checked({"metric": metric, **less, **keys} | {"name": names[named.task], "harness": record}, named.task)


def _writes(named: Named, given: Any) -> bool:
    """Tell whether a task lets the model write; of one with code of its own a metric says it that no scores have."""
    return named.output_type == GENERATE or (not named.output_type and given is not None and given not in METRICS)


def _metrics_of_texts(named: Named) -> list[str]:
    """Return what may stand for a task whose answers are written: each metric behind each filter."""
    found = [filtered_name(metric, way) for metric in named.metrics for way in named.filters]
    return [*(found or ["exact_match"]), "answered"]


def _check_texts(named: Named, given: Any) -> None:
    """Refuse what greedy texts do not answer, and a metric that the task has not."""
    if not isinstance(named.generation, Mapping):
        raise UserError(f"{named.task!r}: generation_kwargs is no mapping of keys to values")
    try:
        check_generation(named.generation, named.repeats)
    except UserError as error:
        raise UserError(f"{named.task!r} {error}") from error
    known = _metrics_of_texts(named)
    if named.output_type and given is not None and given not in known:
        raise UserError(f"{named.task!r} lets the model write, and has no metric {given!r}; it has {'; '.join(known)}")


def _refuse(named: Named, shots: int | None) -> None:
    if named.output_type and named.output_type not in ASKED:
        raise UserError(f"{named.task!r} has the output type {named.output_type!r}; known are {', '.join(ASKED)}")
    if shots and named.shots == 0:
        raise UserError(f"{named.task!r} fixes its shots at 0, and the harness keeps to that; leave shots out")


def _metric(named: Named) -> tuple[str, str]:
    """Return the harness's metric that stands for a task, and ours; the questions stage holds one against the other."""
    known = STANDS.get(named.output_type, STANDS["multiple_choice"])
    stands = next((metric for metric in known if metric in named.metrics), "")
    if stands == "acc" and MASS in named.results:
        return stands, MASS
    return stands, known.get(stands, next(iter(known.values())))


def _alike(group: NamedGroup, names: Mapping[str, str], tasks: Sequence[Task]) -> bool:
    """Tell whether a group's tasks have a metric in common: where some are written, all must have the same."""
    own = {names[name] for name in group.tasks}
    members = [task for task in tasks if task.name in own]
    if not any(task.writes for task in members):
        return True
    return len({task.metric for task in members}) == 1 and all(task.better != "lower" for task in members)


def _average(
    group: NamedGroup, names: Mapping[str, str], metrics: Mapping[str, str], asked: str, keys: Mapping[str, Any]
) -> Average:
    tasks = tuple(names[task] for task in group.tasks)
    by_size = next(iter(group.weights.values()))
    return Average(
        name=names[group.group],
        label=keys.get("label", "") if group.group == asked else group.label,
        tasks=tasks,
        weight="questions" if by_size else "tasks",
        metric=metrics[tasks[0]],
    )


def yaml_of(task: HarnessTask) -> Path:
    """Return where a task's YAML lies on this machine."""
    from trajectories.questions.harness.names import own_tasks

    return own_tasks() / task.yaml

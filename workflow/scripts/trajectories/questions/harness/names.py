"""What a name of the harness stands for: a task, or a group or tag of tasks, from YAMLs alone.

The harness's own index and its own rules for groups are used; no data set is touched and no function of a YAML runs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from trajectories.errors import UserError
from trajectories.files import canonical_json

NEAR = 3  # names that a message offers
GENERATE = "generate_until"  # the output type of tasks that let the model write


@dataclass(frozen=True)
class Named:
    """One task as its YAML describes it."""

    task: str
    yaml: str  # a path, or a place within the harness's own tasks
    overrides: dict[str, Any]
    output_type: str  # empty where only the task's own code knows
    shots: int | None
    version: str
    data: str
    metrics: tuple[str, ...]
    results: str = ""  # the function that makes the task's metrics, where it is not the harness's
    filters: tuple[str, ...] = ("none",)  # ways of reading texts, by name
    generation: Mapping[str, Any] = field(default_factory=dict)  # how texts are written, as far as the YAML says
    repeats: int = 1
    lower: tuple[str, ...] = ()  # metrics of which less is better


@dataclass(frozen=True)
class NamedGroup:
    """A group: its tasks, and how the harness makes one value of each metric of theirs."""

    group: str
    label: str
    tasks: tuple[str, ...]
    weights: Mapping[str, bool]  # metric to whether tasks weigh by their number of questions


@dataclass(frozen=True)
class Expansion:
    """Everything a name stands for; the tasks in the harness's order."""

    tasks: tuple[Named, ...]
    groups: tuple[NamedGroup, ...]


def expand(name: str, include: Sequence[str] = ()) -> Expansion:
    """Return what a name of the harness stands for; `include` are folders of further YAMLs, which come first.

    Raises `UserError` when the name is unknown (with near names), or a group has members without names.
    """
    own = _index(tuple(include)) if include else {}
    for index in ([own] if name in own else []) + [None]:
        whole = index if index is not None else {**_index(None), **own}
        try:
            return _expansion(name, whole)
        except _Unknown as error:
            if index is None:
                raise UserError(_unknown(str(error), name, whole)) from error
    raise AssertionError("unreachable")


def own_tasks() -> Path:
    """Return the folder of the harness's own YAMLs."""
    import lm_eval.tasks

    return Path(lm_eval.tasks.__file__).parent


class _Unknown(Exception):
    """A name that is in no index."""


def _unknown(missing: str, name: str, index: Mapping[str, Any]) -> str:
    if missing != name:
        return f"{name!r} of the harness has the member {missing!r}, which is no task with a name of its own"
    import difflib

    near = difflib.get_close_matches(name, index, n=NEAR) or [known for known in index if name in known][:NEAR]
    offer = f"; near it are {', '.join(near)}" if near else ""
    return f"{name!r} is no task of the harness{offer}; `lm-eval ls tasks` lists all, `include` adds folders of yours"


@cache
def _index(folders: tuple[str, ...] | None) -> dict[str, Any]:
    """Return the harness's index of its own tasks, or of the user's folders."""
    from lm_eval.tasks._index import TaskIndex

    found: dict[str, Any] = TaskIndex.build([own_tasks()] if folders is None else [Path(path) for path in folders])
    return found


def _expansion(name: str, index: Mapping[str, Any]) -> Expansion:
    if name not in index:
        raise _Unknown(name)
    built = _factory().build(index[name], overrides=None, registry=dict(index))
    items = built if isinstance(built, list) else [built]
    leaves = {leaf.task_name: leaf for item in items for leaf in _leaves(item)}
    groups = tuple(_group(group) for item in items for group in _groups(item))
    return Expansion(tuple(_named(leaf) for leaf in leaves.values()), groups)


@dataclass
class _Leaf:
    """Stands for a task in the harness's groups without reading its data."""

    task_name: str
    entry: Any
    overrides: dict[str, Any]


def _factory() -> Any:
    """Return the harness's factory with tasks left as they are named."""
    from lm_eval.tasks._factory import TaskFactory

    class Names(TaskFactory):  # type: ignore[misc]  # the harness has no types
        def _build_task(self, entry: Any, overrides: dict[str, Any] | None) -> _Leaf:
            return _Leaf((overrides or {}).get("task", entry.name), entry, dict(overrides or {}))

        def _build_group_members(
            self, members: Any, group: str, overrides: Any, registry: Mapping[str, Any]
        ) -> list[Any]:
            for member in members:
                name = member if isinstance(member, str) else member.get("group") or member.get("task") or "(no name)"
                if name not in registry and not (isinstance(member, dict) and "group" in member):
                    raise _Unknown(name)
            found: list[Any] = super()._build_group_members(members, group, overrides, registry)
            return found

    return Names()


def _leaves(item: Any) -> Iterator[_Leaf]:
    if isinstance(item, _Leaf):
        yield item
    else:
        for child in item:
            yield from _leaves(child)


def _groups(item: Any) -> Iterator[Any]:
    if not isinstance(item, _Leaf):
        yield item
        for child in item:
            yield from _groups(child)


def _group(group: Any) -> NamedGroup:
    tasks = tuple(dict.fromkeys(leaf.task_name for leaf in _leaves(group)))
    weights = {rule.metric: bool(rule.weight_by_size) for rule in group.aggregate_metric_list or []}
    return NamedGroup(group.name, group.alias or group.name, tasks, weights)


def _named(leaf: _Leaf) -> Named:
    from lm_eval.tasks._yaml_loader import load_yaml

    path = leaf.entry.yaml_path
    config = load_yaml(path, resolve_func=False) | leaf.overrides
    rules = config.get("metric_list") or []
    metadata, kind = config.get("metadata"), "" if "class" in config else str(config.get("output_type", GENERATE))
    overrides = {key: value for key, value in leaf.overrides.items() if key not in ("task", "task_alias")}
    return Named(
        task=leaf.task_name,
        yaml=_place(path),
        overrides=overrides,
        output_type=kind,
        shots=config.get("num_fewshot"),
        version=str(metadata.get("version", "")) if isinstance(metadata, dict) else "",
        data="/".join(str(part) for key in ("dataset_path", "dataset_name") if (part := config.get(key))),
        metrics=tuple(map(_metric, rules)) or _usual_metrics(kind),
        results=_function(config.get("process_results")),
        filters=tuple(str(way.get("name")) for way in config.get("filter_list") or []) or ("none",),
        generation=config.get("generation_kwargs") or {},
        repeats=int(config.get("repeats") or 1),
        lower=tuple(_metric(rule) for rule in rules if rule.get("higher_is_better") is False),
    )


def _metric(rule: Mapping[str, Any]) -> str:
    """Return the name of a metric, that of its function where it has one of its own."""
    metric = str(rule.get("metric"))
    return _function(metric) if "/" in metric else metric


def _function(path: Any) -> str:
    """Return the name of a function that a YAML names."""
    return str(path or "").rpartition(".")[2]


def _usual_metrics(output_type: str) -> tuple[str, ...]:
    from lm_eval.api.registry import DEFAULT_METRIC_REGISTRY

    return tuple(DEFAULT_METRIC_REGISTRY.get(output_type, ()))


def _place(path: Path) -> str:
    """Return a YAML's place within the harness, which is the same wherever that is installed, or its whole path."""
    own = own_tasks().resolve()
    whole = path.resolve()
    return str(whole.relative_to(own)) if whole.is_relative_to(own) else str(whole)


def as_text(expansion: Expansion) -> str:
    """Return an expansion as JSON."""
    tasks = [task.__dict__ for task in expansion.tasks]
    return canonical_json({"tasks": tasks, "groups": [dict(group.__dict__) for group in expansion.groups]})


def from_text(text: str) -> Expansion:
    """Return the expansion that `as_text` wrote. Raises ValueError, KeyError or TypeError when it is another text."""
    import json

    read = json.loads(text)
    several = ("metrics", "filters", "lower")
    tasks = [Named(**task | {key: tuple(task[key]) for key in several}) for task in read["tasks"]]
    groups = [NamedGroup(**group | {"tasks": tuple(group["tasks"])}) for group in read["groups"]]
    return Expansion(tuple(tasks), tuple(groups))

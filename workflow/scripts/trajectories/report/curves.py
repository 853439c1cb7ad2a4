"""The numbers behind the interactive curves, as the page's script wants them."""

from collections.abc import Mapping, Sequence
from math import isinf
from typing import Any

import pandas as pd

from trajectories.figures.colours import run_colours, run_dashes
from trajectories.figures.shown import (
    Constants,
    Suspects,
    TaskLabel,
    mean_of_runs,
    parameters_of,
    runs_of,
    size_names,
    sizes_in,
)

Numbers = list[float | None]

MOST_VALUES = 40_000
"""Accuracies of all metrics up to which the curves can be switched to other metrics than each task's own."""

DIGITS = 5


def curves(
    accuracies: Mapping[str, pd.DataFrame],
    tasks: Sequence[TaskLabel],
    suspects: Suspects = frozenset(),
    sizes: Mapping[str, str] | None = None,
    constants: Constants = frozenset(),
    suites: Mapping[str, str] | None = None,
    axis: str = "tokens",
    text: str | None = None,
) -> dict[str, Any]:
    """Return the page's curve data.

    `accuracies` maps the name of a source (a protocol, the published study) to its accuracy table; the first is shown
    at once, the others by a switch. Per source each model has its steps, tokens and doubtful checkpoints once; per
    panel (task and metric) and model there are lists of value and stderr along them, five digits each, and the number
    of questions; of the first source also the places of constant answers. Metrics beside a task's own are there as
    long as the page stays light (`MOST_VALUES`). A size with
    several runs (`sizes`: model → size; else equal parameters) has one more line, their mean;
    several `suites` (model → suite) have a hue each. The curves begin along `axis` and can be switched to tokens,
    compute, and the loss on the task `text`.
    """
    accuracies = {name: _light(table, tasks) for name, table in accuracies.items()}
    everything = pd.concat(accuracies.values(), ignore_index=True)
    of_size = sizes_in(everything, sizes, suites)
    counts = parameters_of(everything)
    colours, runs = run_colours(of_size, counts, suites), runs_of(of_size)
    dashes, called = run_dashes(runs), size_names(of_size, counts)
    means = {f"{called[size]}: mean of {len(models)} runs": models for size, models in runs.items()}
    return {
        "axis": axis,
        "text": text,
        "models": [
            _line(m, counts[m], colour, called[of_size[m]], 0.9 if m in dashes else 1.6)
            | {"dash": dashes.get(m, "solid")}
            for m, colour in colours.items()
        ]
        + [
            _line(name, counts[models[0]], colours[models[0]], called[of_size[models[0]]], 2.8)
            | {"dash": "solid", "mean": True}
            for name, models in means.items()
        ],
        "tasks": [{"task": t.task, "metric": t.metric, "label": t.label, "chance": t.chance} for t in tasks],
        "sources": [
            {"name": name} | _source(_with_means(table, means), *((suspects, constants) if place == 0 else ()))
            for place, (name, table) in enumerate(accuracies.items())
        ],
    }


def _line(name: str, parameters: float, colour: str, size: str, width: float) -> dict[str, Any]:
    return {"name": name, "parameters": int(parameters), "colour": colour, "size": size, "width": width}


def _with_means(accuracy: pd.DataFrame, means: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the table with the means of runs as further models."""
    made = [accuracy]
    for name, models in means.items():
        rows = accuracy[accuracy["model"].isin(models)]
        for _, part in rows.groupby(["task", "metric"]):
            made.append(mean_of_runs(part).assign(model=name, stderr=float("nan"), questions=float("nan")))
    return pd.concat(made, ignore_index=True)


def _light(accuracy: pd.DataFrame, tasks: Sequence[TaskLabel]) -> pd.DataFrame:
    """Return the table without what makes a page heavy: other metrics of many values, and what no panel shows."""
    own = {task.task: task.metric for task in tasks}
    if len(accuracy) <= MOST_VALUES:
        return accuracy
    return accuracy[accuracy["task"].map(own) == accuracy["metric"]]


def _source(
    accuracy: pd.DataFrame, suspects: Suspects = frozenset(), constants: Constants = frozenset()
) -> dict[str, Any]:
    """Return `lines`: model → its checkpoints, and `panels`: task → metric → model → values along them."""
    ordered = accuracy.sort_values(["parameters", "model", "step"], kind="stable")
    lines, places = {}, {}
    for _, own in ordered.groupby("model", sort=False):
        once, model = own.drop_duplicates("step"), str(own["model"].iloc[0])
        steps = once["step"].tolist()
        places[model] = {step: place for place, step in enumerate(steps)}
        doubtful = [place for place, step in enumerate(steps) if (model, int(step)) in suspects]
        lines[model] = {"step": _numbers(once["step"]), "tokens": _numbers(once["tokens"]), "doubtful": doubtful}
    panels: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    for (task, metric, name), rows in ordered.groupby(["task", "metric", "model"], sort=False):
        found = _values(rows, places[str(name)])
        of_run = [place for step, place in places[str(name)].items() if (str(name), int(step), str(task)) in constants]
        found |= {"constant": of_run} if of_run else {}
        panels.setdefault(str(task), {}).setdefault(str(metric), {})[str(name)] = found
    return {"lines": lines, "panels": panels}


def _values(rows: pd.DataFrame, places: Mapping[int, int]) -> dict[str, Any]:
    whole = rows.set_index("step").reindex(list(places))
    questions = rows["questions"].dropna().unique()
    return {
        "value": _numbers(whole["value"]),
        "stderr": _numbers(whole["stderr"]) if whole["stderr"].notna().any() else None,
        "questions": int(questions[0]) if len(questions) == 1 else None,
    }


def _numbers(column: pd.Series) -> Numbers:
    """Return numbers JSON can hold, of five digits: whole ones as such, missing and infinite ones as null."""
    values = [None if pd.isna(value) or isinf(value) else float(value) for value in column.tolist()]
    return [int(v) if v is not None and v.is_integer() else v and float(f"{v:.{DIGITS}g}") for v in values]

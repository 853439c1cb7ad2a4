"""The numbers behind the interactive curves, as the page's script wants them."""

from collections.abc import Mapping, Sequence
from math import isinf
from typing import Any

import pandas as pd

from trajectories.figures.accuracy import Suspects
from trajectories.figures.panels import TaskLabel, mean_of_runs, runs_of, sizes_in
from trajectories.figures.style import run_colours

Numbers = list[float | None]


def curves(
    accuracies: Mapping[str, pd.DataFrame],
    tasks: Sequence[TaskLabel],
    suspects: Suspects = frozenset(),
    sizes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the page's curve data.

    `accuracies` maps the name of a source (a protocol, the published study) to its accuracy table; the first is shown
    at once, the others by a switch. Per source, panel (task and metric) and model there are parallel lists of step,
    tokens, value, stderr, questions and doubtful. A size with several runs (`sizes`: model → size; else equal
    parameters) has one more line, their mean.
    """
    everything = pd.concat(accuracies.values(), ignore_index=True)
    of_size = sizes_in(everything, sizes)
    colours, runs = run_colours(of_size), runs_of(of_size)
    counts = everything.drop_duplicates("model").set_index("model")["parameters"]
    several = {run for models in runs.values() for run in models}
    means = {f"{size}: mean of {len(models)} runs": models for size, models in runs.items()}
    return {
        "models": [
            {"name": m, "parameters": int(counts[m]), "colour": colour, "width": 0.7 if m in several else 1.6}
            for m, colour in colours.items()
        ]
        + [
            {"name": name, "parameters": int(counts[models[0]]), "colour": colours[models[0]], "width": 2.8}
            for name, models in means.items()
        ],
        "tasks": [{"task": t.task, "metric": t.metric, "label": t.label, "chance": t.chance} for t in tasks],
        "sources": [
            {"name": name, "panels": _panels(_with_means(table, means), suspects if place == 0 else frozenset())}
            for place, (name, table) in enumerate(accuracies.items())
        ],
    }


def _with_means(accuracy: pd.DataFrame, means: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the table with the means of runs as further models."""
    made = [accuracy]
    for name, models in means.items():
        rows = accuracy[accuracy["model"].isin(models)]
        for _, part in rows.groupby(["task", "metric"]):
            made.append(mean_of_runs(part).assign(model=name, stderr=float("nan"), questions=float("nan")))
    return pd.concat(made, ignore_index=True)


def _panels(accuracy: pd.DataFrame, suspects: Suspects) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Return task → metric → model → lists."""
    panels: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
    ordered = accuracy.sort_values(["parameters", "model", "step"], kind="stable")
    for (task, metric, model), rows in ordered.groupby(["task", "metric", "model"], sort=False):
        panels.setdefault(str(task), {}).setdefault(str(metric), {})[str(model)] = _lists(rows, str(model), suspects)
    return panels


def _lists(rows: pd.DataFrame, model: str, suspects: Suspects) -> dict[str, Any]:
    lists: dict[str, Any] = {name: _numbers(rows[name]) for name in ("step", "tokens", "value", "stderr", "questions")}
    return lists | {"doubtful": [(model, int(step)) in suspects for step in rows["step"]]}


def _numbers(column: pd.Series) -> Numbers:
    """Return numbers JSON can hold: whole ones as such, missing and infinite ones as null."""
    values = [None if pd.isna(value) or isinf(value) else float(value) for value in column.tolist()]
    return [int(v) if v is not None and v.is_integer() else v for v in values]

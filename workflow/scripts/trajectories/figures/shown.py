"""What figures and the page show, and how they call it: tasks, models and their sizes, doubtful checkpoints, tokens.

Nothing is drawn here, so that the page need not load what draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from trajectories.analysis.answers import constant_checkpoints
from trajectories.checkpoints.notes import SOUND, flagged_checkpoints
from trajectories.errors import UserError
from trajectories.study.metrics import label_of, sign_of
from trajectories.tables import read_table

Names = Mapping[str, str]
"""Model → how figures call it."""

Suspects = frozenset[tuple[str, int]]

Constants = frozenset[tuple[str, int, str]]
"""Model, step and task of what gives the same answer to everything."""

USUAL = "Accuracy"
"""What most panels show, and need not say beside others."""


@dataclass(frozen=True)
class TaskLabel:
    """One panel: a task, the metric shown, its display name, and the metric's value under guessing if known."""

    task: str
    metric: str
    label: str
    chance: float | None = None

    @property
    def titled(self) -> str:
        """The display name with what its values are, unless they are accuracies."""
        said = label_of(self.metric)
        said_inside = f"{said[:1].lower()}{said[1:]}".replace(" (", ", ").replace(")", "")
        return self.label if said == USUAL else f"{self.label} ({said_inside})"


def read_task_labels(path: Path | str) -> tuple[TaskLabel, ...]:
    """Read the panels of a study from its `tasks.tsv`, in its order; what is part of an average has none."""
    table = read_table(path, "tasks")
    table = table[table["part_of"].fillna("") == ""]
    rows = zip(table["task"], table["metric"], table["label"], table["chance"], strict=True)
    return tuple(
        TaskLabel(str(task), str(metric), str(label), None if pd.isna(chance) else float(chance))
        for task, metric, label, chance in rows
    )


def read_accuracy(path: Path | str) -> pd.DataFrame:
    """Read `accuracy.tsv`, sorted by parameters and step.

    Raises `UserError` when it is unreadable or empty.
    """
    accuracy = read_table(path, "accuracy")
    if accuracy.empty:
        raise UserError(f"{path}: holds no accuracies, so there is nothing to draw")
    return accuracy.sort_values(["parameters", "model", "step"], kind="stable", ignore_index=True)


def renamed(table: pd.DataFrame, names: Names | None) -> pd.DataFrame:
    """Return a table with the display names of its models; those without one keep their own."""
    return table.assign(model=[(names or {}).get(str(model), str(model)) for model in table["model"]])


def models_by_size(accuracy: pd.DataFrame) -> list[str]:
    """Return the models, fewest parameters first; ties keep the order of the table."""
    sizes = accuracy.drop_duplicates("model").sort_values("parameters", kind="stable")
    return [str(model) for model in sizes["model"]]


def parameters_of(accuracy: pd.DataFrame) -> dict[str, float]:
    """Return model → parameters."""
    once = accuracy.drop_duplicates("model")
    return dict(zip(once["model"].astype(str), once["parameters"].astype(float), strict=True))


def sizes_in(accuracy: pd.DataFrame, sizes: Names | None = None, suites: Names | None = None) -> dict[str, str]:
    """Return the size of each model, fewest parameters first; without `sizes`, equal parameters are one size.

    A size is called by its first model. Where there are several `suites` (model → suite) each has sizes of its own.
    """
    ordered = accuracy.drop_duplicates("model").sort_values("parameters", kind="stable")
    first: dict[float, str] = {}
    pairs = zip(ordered["model"].astype(str), ordered["parameters"].astype(float), strict=True)
    alike = {model: first.setdefault(parameters, model) for model, parameters in pairs}
    found = alike | {model: size for model, size in (sizes or {}).items() if model in alike}
    if len(set((suites or {}).values())) < 2:
        return found
    own: dict[tuple[str, str], str] = {}
    return {model: own.setdefault((size, (suites or {}).get(model, "")), model) for model, size in found.items()}


def size_names(sizes: Names, parameters: Mapping[str, float]) -> dict[str, str]:
    """Return size → how legends call it: its parameters where it has several runs and no other size has as many."""
    runs = runs_of(sizes)
    counts = {size: parameters[next(model for model, own in sizes.items() if own == size)] for size in sizes.values()}
    alone = {size for size in counts if list(counts.values()).count(counts[size]) == 1}
    return {
        size: token_text(counts[size]) if size in runs and size in alone else next(m for m in sizes if sizes[m] == size)
        for size in counts
    }


def runs_of(sizes: Names) -> dict[str, list[str]]:
    """Return the models of each size that has several."""
    runs: dict[str, list[str]] = {}
    for model, size in sizes.items():
        runs.setdefault(size, []).append(model)
    return {size: models for size, models in runs.items() if len(models) > 1}


def mean_of_runs(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the mean value of the runs at each step that all of them have, with the step's other columns."""
    count = rows["model"].nunique()
    shared = rows.groupby("step").filter(lambda at: len(at) == count).sort_values("step")
    others = {column: "first" for column in shared.columns if column != "step"}
    return shared.groupby("step", as_index=False).agg(others | {"value": "mean"})


def panel_rows(accuracy: pd.DataFrame, label: TaskLabel) -> pd.DataFrame:
    """Return the rows of one task and metric, in order of model size and step."""
    return accuracy[(accuracy["task"] == label.task) & (accuracy["metric"] == label.metric)]


def value_text(tasks: Sequence[TaskLabel]) -> str:
    """Return what the y axes show: the metric's name where all panels show one, else accuracy or what titles say."""
    shown = {label_of(task.metric) for task in tasks}
    return shown.pop() if len(shown) == 1 else f"{USUAL}, or as said" if USUAL in shown else "Value"


def direction(beta: float, metric: str) -> int:
    """Return 1 where the coefficient means better, -1 where worse, 0 where it is exactly 0."""
    return int(sign_of(metric)) * ((beta > 0) - (beta < 0))


def suspect_checkpoints(
    checkpoints: Path | str | None, consistency: Path | str | None = None
) -> frozenset[tuple[str, int]]:
    """Return the (model, step) that `checkpoints.tsv` calls wrong or does not use, or `consistency.tsv` flags."""
    stray = frozenset() if consistency is None else flagged_checkpoints(read_table(consistency, "consistency"))
    return stray | _audited(checkpoints)


def _audited(checkpoints: Path | str | None) -> frozenset[tuple[str, int]]:
    if checkpoints is None:
        return frozenset()
    table = read_table(checkpoints, "checkpoints")
    used = table["used"].astype(str).str.lower() == "true"
    doubtful = table[~table["status"].astype(str).isin(SOUND) | ~used]
    return frozenset((str(model), int(step)) for model, step in zip(doubtful["model"], doubtful["step"], strict=True))


def constants_of(answers: Path | str | None, names: Names | None = None) -> Constants:
    """Return what `answers.tsv` flags, models called by `names`; nothing without the table."""
    return frozenset(
        ((names or {}).get(model, model), step, task) for model, step, task in constant_checkpoints(answers)
    )


def token_text(tokens: float) -> str:
    """Write a token count briefly: 2.1B, 300B, 16k."""
    for unit, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if tokens >= unit * 0.9995:
            return f"{tokens / unit:.3g}{suffix}"
    return f"{tokens:.3g}"


def token_positions(tokens: pd.Series) -> "pd.Series[float]":
    """Return places on a log axis; zero tokens (step 0), which has none, goes half a decade left of the smallest."""
    values = tokens.astype(float)
    positive = values[values > 0]
    start = positive.min() / 10**0.5 if len(positive) else 1.0
    return values.where(values > 0, start)

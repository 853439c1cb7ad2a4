"""What figures share: which (task, metric) a panel shows, how models are ordered, how token counts are written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from trajectories.checkpoints.notes import SOUND, flagged_checkpoints
from trajectories.errors import UserError
from trajectories.figures.style import Column, new_figure
from trajectories.study.metrics import label_of
from trajectories.tables import read_table

Names = Mapping[str, str]
"""Model → how figures call it."""

USUAL = "Accuracy"
"""What most panels show, and need not say beside others."""

TEXT_WIDTH = 0.56
"""Mean width of a letter of the figures' type, as a share of its size."""

BESIDE_TITLE, SMALLEST_TITLE = 32, 5.5
"""Points of a panel's width that its tick labels take, and the type size below which a title takes two lines."""


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


def columns_for(panels: int, width: Column) -> int:
    """Return how many panels stand side by side: three to five across a page, by which row's end stays least empty.

    Of equals, the one nearest to four, then the one with fewer rows; two across a column.
    """
    if width == "one" or panels <= 4:
        return min(panels, 2 if width == "one" else 4)
    return min((5, 4, 3), key=lambda across: (-panels % across, abs(across - 4)))


def facets(labels: Sequence[TaskLabel], width: Column, height: float = 1.25) -> tuple[Figure, Iterator[Axes]]:
    """Return a figure with one empty panel per label in reading order, in as many columns as `columns_for` says.

    `height` is that of one panel in inches. Unused panels of the last row are removed.
    """
    across = columns_for(len(labels), width)
    down = ceil(len(labels) / across)
    figure = new_figure(width, height * down + 0.55)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for spare in axes[len(labels) :]:
        spare.remove()
    alike = len({label_of(label.metric) for label in labels}) == 1
    for panel, label in zip(axes, labels, strict=False):
        title = label.label if alike else label.titled
        text, size = _fitting(title, figure.get_figwidth() / across)
        panel.set_title(text, loc="left", fontsize=size)
        _without_names(panel)
    return figure, iter(axes[: len(labels)])


def _without_names(panel: Axes) -> None:
    """Give the names of a panel's axes, which are empty, a place: Matplotlib need not seek one in each draw."""
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_label_coords(0, 0)


def legend_above(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put a legend above all panels, in as few even rows as its longest name allows."""
    _legend(figure, handles, "outside upper center")


def legend_below(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put the same legend below all panels."""
    _legend(figure, handles, "outside lower center")


def _legend(figure: Figure, handles: Sequence[Artist], place: Any) -> None:
    longest = max(len(str(handle.get_label())) for handle in handles)
    across = max(1, int(figure.get_figwidth() * 72 / (longest * TEXT_WIDTH * 6.5 + 24)))
    rows = ceil(len(handles) / across)
    figure.legend(
        handles=list(handles), loc=place, ncols=ceil(len(handles) / rows), frameon=False,
        handlelength=1.4, columnspacing=1.0, handletextpad=0.4,
    )  # fmt: skip


def _fitting(text: str, inches: float) -> tuple[str, float]:
    """Return a title that fits a panel `inches` wide with its tick labels, and its size: small, then on two lines."""
    room = (inches * 72 - BESIDE_TITLE) / TEXT_WIDTH
    size = min(7.0, room / len(text))
    if size < SMALLEST_TITLE and " " in text:
        text = min((f"{text[:at]}\n{text[at + 1 :]}" for at, letter in enumerate(text) if letter == " "), key=_longest)
        size = min(6.5, room / _longest(text))
    return text, max(4.5, size)


def _longest(text: str) -> int:
    return max(map(len, text.split("\n")))


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


def token_axis(panel: Axes, tokens: pd.Series, text: Callable[[float], str] = token_text) -> None:
    """Make the x axis of `panel` logarithmic in tokens, with whole powers of ten named by `text` and step 0 as 0."""
    places = token_positions(tokens)
    low, high = float(places.min()), float(places.max())
    panel.set_xscale("log")
    panel.set_xlim(low / 1.25, high * 1.25)
    powers = [10.0**power for power in range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)]
    zero = [low] if (tokens == 0).any() else []
    first = low * 10**0.45 if zero else low / 1.25  # a power nearer to step 0 would be written over its mark
    inside = [power for power in powers if first <= power <= high * 1.25]
    marks = zero + _thinned(inside if len(inside) > 1 else [low, high], 4)
    panel.xaxis.set_major_locator(FixedLocator(marks))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: "0" if zero and x == low else text(x)))
    panel.xaxis.set_minor_formatter(NullFormatter())


def _thinned(marks: list[float], most: int) -> list[float]:
    return marks[:: ceil(len(marks) / most)] if len(marks) > most else marks

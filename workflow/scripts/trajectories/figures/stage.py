"""The figures beside Figure 1, drawn in one process: starting it costs more than most of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trajectories.figures.coefficients import draw_coefficients
from trajectories.figures.compute import draw_compute
from trajectories.figures.consistency import draw_consistency
from trajectories.figures.models import draw_models
from trajectories.figures.replication import draw_replication
from trajectories.figures.shown import Names, read_task_labels
from trajectories.figures.style import Column
from trajectories.figures.surface import draw_surface

Tables = Mapping[str, Path | str]


def draw_figures(
    tables: Tables,
    outputs: Mapping[str, Sequence[Path | str]],
    *,
    alpha: float = 0.05,
    names: Names | None = None,
    width: Column = "two",
    suites: Names | None = None,
) -> None:
    """Draw every figure that `outputs` (name → files) asks for from the tables, which go by kind.

    `suites` is the suite each model belongs to.

    Raises `UserError` for a table that cannot be read.
    """
    tasks = read_task_labels(tables["tasks"])
    drawings = {
        "coefficients": lambda out: draw_coefficients(tables["regression"], tasks, out, alpha=alpha, width=width),
        "surface": lambda out: draw_surface(
            tables["accuracy"], tables["regression"], tasks, out, names=names, width=width
        ),
        "models": lambda out: draw_models(
            tables["accuracy"], tables["trends"], tasks, out, alpha=alpha, names=names, width=width
        ),
        "compute": lambda out: draw_compute(
            tables["accuracy"], tasks, out, suites or {}, width=width, answers=tables.get("answers")
        ),
        "replication": lambda out: draw_replication(tables["compare"], tasks, out, width=width),
        "consistency": lambda out: draw_consistency(
            tables["distances"], tables["consistency"], out, names=names, width=width
        ),
    }
    for name, out in outputs.items():
        drawings[name](out)

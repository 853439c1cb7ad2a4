"""The stage `trends`: where each trajectory goes, which shape a task has, where it bends."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trajectories.analysis.breaks import write_breaks
from trajectories.analysis.points import Metrics, read_accuracy
from trajectories.analysis.shapes import write_shapes
from trajectories.analysis.trajectory import noise_by_name
from trajectories.analysis.trends import write_trends
from trajectories.study.models import Model, sizes_by_model
from trajectories.study.sections import Statistics


def trends_of_study(
    *,
    accuracy: Path | str,
    tasks: Path | str,
    statistics: str,
    models: Sequence[str],
    metrics: Metrics,
    outputs: Mapping[str, Path | str],
    text: str | None = None,
) -> None:
    """Write trends, declines, shapes and breaks, each to the file of that name in `outputs`.

    `statistics` is that section of the config as JSON, `models` its records. With `axis: loss` in it, shapes are looked
    for along the loss on the running text `text` as well.
    """
    how = Statistics.model_validate_json(statistics)
    sizes = sizes_by_model([Model.model_validate_json(model) for model in models])
    serial = noise_by_name(read_accuracy(accuracy, how.from_tokens), metrics, how.serial)  # once for all four
    write_trends(
        accuracy,
        outputs["trends"],
        outputs["declines"],
        metrics,
        serial,
        how.alpha,
        how.seed,
        how.from_tokens,
    )
    write_shapes(
        accuracy,
        outputs["shapes"],
        metrics,
        how.seed,
        how.alpha,
        how.resamples,
        serial,
        how.from_tokens,
        tasks,
        text if how.axis == "loss" else None,
        sizes,
    )
    write_breaks(accuracy, outputs["breaks"], metrics, how.seed, how.resamples, serial, how.from_tokens, sizes)

"""The stages after the regression: trends and shapes, robustness and power, single questions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trajectories.analysis.breaks import write_breaks
from trajectories.analysis.checks import Setting
from trajectories.analysis.items import items_table
from trajectories.analysis.parameters import given_counts
from trajectories.analysis.points import Metrics
from trajectories.analysis.power import write_power
from trajectories.analysis.question_tables import QuestionOutputs
from trajectories.analysis.robustness import Inputs, write_robustness
from trajectories.analysis.shapes import write_shapes
from trajectories.analysis.stage import by_checkpoint, question_tables_of_scores, used_checkpoints
from trajectories.analysis.trends import write_trends
from trajectories.study.models import Model
from trajectories.study.sections import Statistics
from trajectories.study.sizes import sizes_of
from trajectories.tables import write_table

Outputs = Mapping[str, Path | str]
"""Kind of table → file."""


def trends_of_study(
    *,
    accuracy: Path | str,
    tasks: Path | str,
    statistics: str,
    models: Sequence[str],
    metrics: Metrics,
    outputs: Outputs,
    text: str | None = None,
) -> None:
    """Write trends, declines, shapes and breaks.

    `statistics` is that section of the config as JSON, `models` its records. With `axis: loss` in it, shapes are looked
    for along the loss on the running text `text` as well.
    """
    how, sizes = Statistics.model_validate_json(statistics), _sizes(models)
    write_trends(
        accuracy,
        outputs["trends"],
        outputs["declines"],
        metrics,
        how.serial,
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
        how.serial,
        how.from_tokens,
        tasks,
        text if how.axis == "loss" else None,
        sizes,
    )
    write_breaks(accuracy, outputs["breaks"], metrics, how.seed, how.resamples, how.serial, how.from_tokens, sizes)


def robustness_of_study(
    *, inputs: Inputs, statistics: str, models: Sequence[str], metrics: Metrics, outputs: Outputs
) -> None:
    """Write the tables of `robustness` and of `power`; `models` are the config's records as JSON."""
    how = Statistics.model_validate_json(statistics)
    records = [Model.model_validate_json(model) for model in models]
    counts = given_counts({model.name: (model.exact_parameters, model.embedding_parameters) for model in records})
    write_robustness(
        inputs,
        outputs,
        metrics,
        Setting(how.resamples, how.seed, counts),
        alpha=how.alpha,
        smallest=how.smallest,
        from_tokens=how.from_tokens,
        sizes=_sizes(models),
    )
    write_power(
        inputs.accuracy,
        outputs["power"],
        outputs["power_curves"],
        metrics,
        how.seed,
        how.alpha,
        serial=how.serial,
        from_tokens=how.from_tokens,
        sizes=_sizes(models),
    )


def items_of_study(
    *,
    checkpoints: Path | str,
    scores: Sequence[Path | str],
    statistics: str,
    models: Sequence[str],
    metrics: Metrics,
    output: Path | str,
    consistency: Path | str | None = None,
) -> None:
    """Write the item-level model's table; `models` are the config's records as JSON.

    With `consistency`, checkpoints that it flags are left out.
    """
    how = Statistics.model_validate_json(statistics)
    used = used_checkpoints(checkpoints, consistency)
    seen = used[used["tokens"] >= how.from_tokens]
    table = items_table(seen.assign(size=seen["model"].map(_sizes(models))), by_checkpoint(scores), metrics)
    write_table(table, output, "items")


def _sizes(models: Sequence[str]) -> dict[str, str]:
    records = [Model.model_validate_json(model) for model in models]
    return sizes_of([(model.name, model.parameters, model.size_of) for model in records])


def questions_of_study(
    *,
    checkpoints: Path | str,
    scores: Sequence[Path | str],
    questions: Sequence[Path | str],
    statistics: str,
    metrics: Metrics,
    outputs: Outputs,
    consistency: Path | str | None = None,
) -> None:
    """Write the six tables on single questions; questions files are named after their tasks.

    With `consistency`, checkpoints that it flags are left out.
    """
    how = Statistics.model_validate_json(statistics)
    question_tables_of_scores(
        checkpoints=checkpoints,
        scores=scores,
        questions=questions,
        outputs=QuestionOutputs(**{kind: Path(path) for kind, path in outputs.items()}),
        metrics=metrics,
        consistency=consistency,
        seed=how.seed,
        resamples=how.resamples,
        serial=how.serial,
    )

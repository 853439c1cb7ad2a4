"""The stage `robustness`: does each cell of Table 1 hold, and what could the design have found?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trajectories.analysis.checks import Setting
from trajectories.analysis.parameters import given_counts
from trajectories.analysis.points import Metrics
from trajectories.analysis.power import write_power
from trajectories.analysis.robustness import Inputs, write_robustness
from trajectories.study.models import Model, sizes_by_model
from trajectories.study.sections import Statistics


def robustness_of_study(
    *, inputs: Inputs, statistics: str, models: Sequence[str], metrics: Metrics, outputs: Mapping[str, Path | str]
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
        sizes=sizes_by_model(records),
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
        sizes=sizes_by_model(records),
    )

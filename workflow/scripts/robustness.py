"""Adapter of the rule `robustness`."""

from trajectories.adapter import stage
from trajectories.analysis.robustness import Inputs
from trajectories.analysis.robustness_stage import robustness_of_study

with stage(snakemake.log[0]):
    robustness_of_study(
        inputs=Inputs(
            snakemake.input.accuracy, snakemake.input.tasks, snakemake.input.item_level or None, snakemake.input.answers
        ),
        statistics=snakemake.params.statistics,
        models=snakemake.params.models,
        metrics=snakemake.params.metrics,
        outputs=dict(snakemake.output.items()),
    )

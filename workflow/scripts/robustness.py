"""Adapter of the rule `robustness`."""

from trajectories.adapter import stage
from trajectories.analysis.statistics_stage import robustness_of_study

with stage(snakemake.log[0]):
    robustness_of_study(
        accuracy=snakemake.input[0],
        statistics=snakemake.params.statistics,
        models=snakemake.params.models,
        metrics=snakemake.params.metrics,
        outputs=dict(snakemake.output.items()),
    )

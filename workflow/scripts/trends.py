"""Adapter of the rule `trends`."""

from trajectories.adapter import stage
from trajectories.analysis.trends_stage import trends_of_study

with stage(snakemake.log[0]):
    trends_of_study(
        accuracy=snakemake.input.accuracy,
        tasks=snakemake.input.tasks,
        statistics=snakemake.params.statistics,
        models=snakemake.params.models,
        metrics=snakemake.params.metrics,
        outputs=dict(snakemake.output.items()),
        text=snakemake.params.text,
    )

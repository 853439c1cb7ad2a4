"""Adapter of the rule `items`."""

from trajectories.adapter import stage
from trajectories.analysis.questions_stage import items_of_study

with stage(snakemake.log[0]):
    items_of_study(
        checkpoints=snakemake.input.checkpoints,
        scores=snakemake.input.scores,
        statistics=snakemake.params.statistics,
        models=snakemake.params.models,
        metrics=snakemake.params.metrics,
        output=snakemake.output[0],
        consistency=next(iter(snakemake.input.consistency), None),
    )

"""Adapter of the rule `tasks`."""

from trajectories.adapter import stage
from trajectories.questions.listing import write_listing

with stage(snakemake.log[0]):
    write_listing(
        tasks=snakemake.params.tasks,
        averages=snakemake.params.averages,
        metrics=snakemake.params.listed_metrics,
        questions=snakemake.input,
        output=snakemake.output[0],
    )

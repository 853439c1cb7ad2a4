"""Adapter of the rule `answers`."""

from trajectories.adapter import stage
from trajectories.analysis.answers import write_answers
from trajectories.analysis.stage import by_checkpoint

with stage(snakemake.log[0]):
    write_answers(
        snakemake.input.accuracy,
        snakemake.input.tasks,
        by_checkpoint(snakemake.input.scores),
        snakemake.input.questions,
        snakemake.params.metrics,
        snakemake.output[0],
        threads=snakemake.threads,
    )

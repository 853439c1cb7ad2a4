"""Adapter of the rule `generations`."""

from trajectories.adapter import stage
from trajectories.jobs.generations import write_generations

with stage(snakemake.log[0]):
    write_generations(scores=snakemake.input, outputs=snakemake.output, store=snakemake.params.store)

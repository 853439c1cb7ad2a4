"""Adapter of the rule `speed`."""

from trajectories.adapter import stage
from trajectories.jobs.speed import write_speed

with stage(snakemake.log[0]):
    write_speed(
        checkpoints=snakemake.input.checkpoints,
        benchmarks=snakemake.params.benchmarks,
        store=snakemake.params.store,
        output=snakemake.output[0],
    )

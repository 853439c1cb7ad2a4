"""Adapter of the rule `plan`."""

from trajectories.adapter import stage
from trajectories.jobs.plan import write_plan

with stage(snakemake.log[0]):
    write_plan(
        checkpoints=snakemake.input.checkpoints,
        requests=snakemake.params.requests,
        study=snakemake.params.study,
        store=snakemake.params.store,
        limit=snakemake.params.on_disk,
        sizes=snakemake.params.sizes,
        output=snakemake.output[0],
    )

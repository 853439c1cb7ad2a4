"""Adapter of the rule `fetch`."""

from trajectories.adapter import stage
from trajectories.jobs.ahead import fetch_study

with stage(snakemake.log[0]):
    fetch_study(
        checkpoints=snakemake.input.checkpoints,
        requests=snakemake.params.requests,
        study=snakemake.params.study,
        store=snakemake.params.store,
        scratch=snakemake.params.scratch,
        limit=snakemake.params.on_disk,
    )

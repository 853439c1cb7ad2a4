"""Adapter of the rule `status`."""

from trajectories.adapter import stage
from trajectories.jobs.status import print_status

with stage(snakemake.log[0]):
    print_status(
        models=snakemake.params.models,
        results=snakemake.params.results,
        logs=snakemake.params.logs,
        store=snakemake.params.store,
        scratch=snakemake.params.scratch,
        requests=snakemake.params.requests,
        study=snakemake.params.study,
    )

"""Adapter of the rule `audit`."""

from trajectories.adapter import stage
from trajectories.checkpoints.stage import write_audit

with stage(snakemake.log[0]):
    write_audit(study=snakemake.params.study, output=snakemake.output[0])

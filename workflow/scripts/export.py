"""Adapter of the rule `export`."""

from trajectories.adapter import stage
from trajectories.exports.harness import write_export
from trajectories.study.config import Study

with stage(snakemake.log[0]):
    write_export(
        Study.model_validate_json(snakemake.params.study),
        snakemake.input[0],
        snakemake.output.files,
        snakemake.output.table,
    )

"""Adapter of the rule `reference`."""

from trajectories.adapter import stage
from trajectories.imports.accuracy import reference_accuracy
from trajectories.study.config import Study

with stage(snakemake.log[0]):
    reference_accuracy(Study.model_validate_json(snakemake.params.study), snakemake.output[0], snakemake.params.fetched)

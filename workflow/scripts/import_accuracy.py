"""Adapter of the rule `import_accuracy`."""

from trajectories.adapter import stage
from trajectories.imports.accuracy import import_accuracy
from trajectories.study.config import Study

with stage(snakemake.log[0]):
    import_accuracy(
        Study.model_validate_json(snakemake.params.study),
        snakemake.output.accuracy,
        snakemake.output.files,
        snakemake.output.notes,
        snakemake.params.fetched,
        snakemake.params.told,
    )

"""Adapter of the rule `import_scores`."""

from trajectories.adapter import stage
from trajectories.imports.scores import import_scores
from trajectories.study.config import Study

with stage(snakemake.log[0]):
    import_scores(Study.model_validate_json(snakemake.params.study), snakemake.params.results, snakemake.params.told)

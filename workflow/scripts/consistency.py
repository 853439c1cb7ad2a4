"""Adapter of the rule `consistency`."""

from trajectories.adapter import stage
from trajectories.analysis.stage import consistency_of_scores

with stage(snakemake.log[0]):
    consistency_of_scores(
        checkpoints=snakemake.input.checkpoints,
        scores=snakemake.input.scores,
        tasks=snakemake.params.tasks,
        outputs=dict(snakemake.output.items()),
    )

"""Adapter of the rule `flips`."""

from trajectories.adapter import stage
from trajectories.analysis.questions_stage import questions_of_study

with stage(snakemake.log[0]):
    questions_of_study(
        checkpoints=snakemake.input.checkpoints,
        scores=snakemake.input.scores,
        questions=snakemake.input.questions,
        consistency=next(iter(snakemake.input.consistency), None),
        statistics=snakemake.params.statistics,
        metrics=snakemake.params.metrics,
        outputs=dict(snakemake.output.items()),
    )

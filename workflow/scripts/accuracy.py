"""Adapter of the rule `accuracy`."""

from trajectories.adapter import stage
from trajectories.analysis.stage import accuracy_of_scores

with stage(snakemake.log[0]):
    accuracy_of_scores(
        checkpoints=snakemake.input.checkpoints,
        scores=snakemake.input.scores,
        averages=snakemake.params.averages,
        output=snakemake.output[0],
        consistency=next(iter(snakemake.input.consistency), None),
        store=snakemake.params.store,
        threads=snakemake.threads,
        judged=next(iter(snakemake.input.judged), None),
    )

"""Adapter of the rule `generations`."""

from trajectories.adapter import stage
from trajectories.jobs.generations import write_generations
from trajectories.jobs.texts import write_texts

with stage(snakemake.log[0]):
    write_generations(
        scores=snakemake.input.scores,
        outputs=snakemake.output.generations,
        store=snakemake.params.store,
    )
    write_texts(
        checkpoints=snakemake.params.shown,
        generations=snakemake.params.files,
        questions=snakemake.params.questions,
        output=snakemake.output.texts,
    )

"""Adapter of the rule `generations`."""

from trajectories.adapter import stage
from trajectories.harness.texts import judges_of
from trajectories.jobs.generations import write_generations
from trajectories.jobs.texts import write_texts

with stage(snakemake.log[0]):
    write_generations(
        scores=snakemake.input.scores,
        outputs=snakemake.output.generations,
        store=snakemake.params.store,
        judges=judges_of(snakemake.params.judged, snakemake.params.questions),
        judged=next(iter(snakemake.output.judged), None),
    )
    write_texts(
        checkpoints=snakemake.params.shown,
        generations=snakemake.params.files,
        questions=snakemake.params.questions,
        output=snakemake.output.texts,
    )

"""Adapter of the rule `encode`."""

from trajectories.adapter import stage
from trajectories.scoring.encode_stage import write_tree

with stage(snakemake.log[0]):
    write_tree(
        tasks=snakemake.params.tasks,
        questions=snakemake.input.questions,
        tokenizer=snakemake.params.tokenizer,
        checkpoints=next(iter(snakemake.input.checkpoints), None),
        protocol=snakemake.params.protocol,
        output=snakemake.output[0],
    )

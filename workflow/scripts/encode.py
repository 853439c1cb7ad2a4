"""Adapter of the rule `encode`."""

from trajectories.adapter import stage
from trajectories.scoring.encode_stage import write_all

with stage(snakemake.log[0]):
    write_all(
        tasks=snakemake.params.tasks,
        questions=snakemake.input.questions,
        tokenizers=snakemake.params.tokenizers,
        checkpoints=next(iter(snakemake.input.checkpoints), None),
        protocol=snakemake.params.protocol,
        unconditional=snakemake.params.unconditional,
        outputs=snakemake.output,
    )

"""Adapter of the rule `questions`."""

from trajectories.adapter import stage
from trajectories.harness.questions import ask_harness
from trajectories.pocket.tasks import generate
from trajectories.questions.stage import write_task

with stage(snakemake.log[0]):
    write_task(
        task=snakemake.params.task,
        protocol=snakemake.params.protocol,
        seed=snakemake.params.seed,
        output=snakemake.output[0],
        generate=generate,
        ask=ask_harness,
    )

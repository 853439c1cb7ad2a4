"""Adapter of the rule `protocols`."""

from trajectories.adapter import stage
from trajectories.analysis.protocols import write_protocols

with stage(snakemake.log[0]):
    write_protocols(
        tasks=snakemake.params.tasks,
        shapes=snakemake.input.shapes,
        largest=snakemake.params.largest,
        last=snakemake.params.last,
        output=snakemake.output[0],
    )

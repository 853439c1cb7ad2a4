"""Adapter of the rule `protocols`."""

from trajectories.adapter import stage
from trajectories.analysis.protocols import write_protocols

with stage(snakemake.log[0]):
    write_protocols(
        tasks=snakemake.params.tasks,
        metrics=snakemake.params.metrics,
        shapes=snakemake.input.shapes,
        accuracy=snakemake.input.accuracy,
        largest=snakemake.params.largest,
        last=snakemake.params.last,
        alpha=snakemake.params.alpha,
        output=snakemake.output[0],
    )

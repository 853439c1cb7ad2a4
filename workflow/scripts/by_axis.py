"""Adapter of the rule `by_axis`."""

from trajectories.adapter import stage
from trajectories.analysis.by_axis import write_by_axis

with stage(snakemake.log[0]):
    write_by_axis(
        snakemake.input[0],
        snakemake.output[0],
        snakemake.params.metrics,
        snakemake.params.axis,
        snakemake.params.text,
        snakemake.params.from_tokens,
    )

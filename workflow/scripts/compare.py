"""Adapter of the rule `compare`."""

from trajectories.adapter import stage
from trajectories.analysis.compare import write_compare

with stage(snakemake.log[0]):
    write_compare(
        snakemake.input.accuracy,
        snakemake.input.reference,
        snakemake.output.cells,
        snakemake.output.summary,
        metrics=snakemake.params.metrics,
        alpha=snakemake.params.alpha,
    )

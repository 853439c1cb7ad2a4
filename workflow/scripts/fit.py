"""Adapter of the rule `fit`."""

from trajectories.adapter import stage
from trajectories.analysis.regression import write_regression
from trajectories.analysis.table1 import write_table1

with stage(snakemake.log[0]):
    write_regression(
        snakemake.input.accuracy,
        snakemake.output.regression,
        snakemake.params.metrics,
        snakemake.params.from_tokens,
    )
    write_table1(
        snakemake.output.regression,
        snakemake.output.table1,
        snakemake.output.table1_markdown,
        snakemake.params.labels,
        snakemake.input.checkpoints or None,
        snakemake.input.consistency or None,
    )

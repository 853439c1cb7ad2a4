"""Adapter of the rule `figure_consistency`."""

from trajectories.adapter import stage
from trajectories.figures.consistency import draw_consistency
from trajectories.figures.style import COLUMNS

with stage(snakemake.log[0]):
    draw_consistency(
        snakemake.input.distances,
        snakemake.input.consistency,
        snakemake.output,
        names=snakemake.params.names,
        width=COLUMNS[snakemake.params.columns],
    )

"""Adapter of the rule `figure_surface`."""

from trajectories.adapter import stage
from trajectories.figures.panels import read_task_labels
from trajectories.figures.style import COLUMNS
from trajectories.figures.surface import draw_surface

with stage(snakemake.log[0]):
    draw_surface(
        snakemake.input.accuracy,
        snakemake.input.regression,
        read_task_labels(snakemake.input.tasks),
        snakemake.output,
        names=snakemake.params.names,
        width=COLUMNS[snakemake.params.columns],
    )

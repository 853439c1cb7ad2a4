"""Adapter of the rule `figure_coefficients`."""

from trajectories.adapter import stage
from trajectories.figures.coefficients import draw_coefficients
from trajectories.figures.panels import read_task_labels
from trajectories.figures.style import COLUMNS

with stage(snakemake.log[0]):
    draw_coefficients(
        snakemake.input.regression,
        read_task_labels(snakemake.input.tasks),
        snakemake.output,
        alpha=snakemake.params.alpha,
        width=COLUMNS[snakemake.params.columns],
    )

"""Adapter of the rule `figure_models`."""

from trajectories.adapter import stage
from trajectories.figures.models import draw_models
from trajectories.figures.panels import read_task_labels
from trajectories.figures.style import COLUMNS

with stage(snakemake.log[0]):
    draw_models(
        snakemake.input.accuracy,
        snakemake.input.trends,
        read_task_labels(snakemake.input.tasks),
        snakemake.output,
        alpha=snakemake.params.alpha,
        names=snakemake.params.names,
        width=COLUMNS[snakemake.params.columns],
    )

"""Adapter of the rule `figure_replication`."""

from trajectories.adapter import stage
from trajectories.figures.panels import read_task_labels
from trajectories.figures.replication import draw_replication
from trajectories.figures.style import COLUMNS

with stage(snakemake.log[0]):
    draw_replication(
        snakemake.input.compare,
        read_task_labels(snakemake.input.tasks),
        snakemake.output,
        width=COLUMNS[snakemake.params.columns],
    )

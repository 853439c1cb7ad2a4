"""Adapter of the rule `figure_accuracy`."""

from trajectories.adapter import stage
from trajectories.figures.accuracy import draw_accuracy
from trajectories.figures.shown import read_task_labels
from trajectories.figures.style import COLUMNS

with stage(snakemake.log[0]):
    draw_accuracy(
        snakemake.input.accuracy,
        read_task_labels(snakemake.input.tasks),
        snakemake.output,
        checkpoints=snakemake.input.checkpoints or None,
        consistency=snakemake.input.consistency or None,
        bands=snakemake.params.bands,
        names=snakemake.params.names,
        width=COLUMNS[snakemake.params.columns],
        axis=snakemake.params.axis,
        text=snakemake.params.text,
        sizes=snakemake.params.sizes,
        suites=snakemake.params.suites,
        answers=snakemake.input.answers,
    )

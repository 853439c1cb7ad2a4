"""Adapter of the rule `figures`."""

from trajectories.adapter import stage
from trajectories.figures.stage import draw_figures
from trajectories.figures.style import COLUMNS

with stage(snakemake.log[0]):
    draw_figures(
        {name: file for name, file in snakemake.input.items() if file},
        {name: snakemake.output[name] for name in snakemake.params.figures},
        alpha=snakemake.params.alpha,
        names=snakemake.params.names,
        width=COLUMNS[snakemake.params.columns],
        suites=snakemake.params.suites,
    )

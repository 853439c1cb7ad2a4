"""Adapter of the rule `known_tasks`."""

from trajectories.adapter import stage
from trajectories.questions.known import print_known

with stage(snakemake.log[0]):
    print_known(snakemake.params.word)

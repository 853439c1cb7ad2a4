"""Adapter of the rule `new`."""

from pathlib import Path

from trajectories.adapter import stage
from trajectories.study.new import write_new_study

with stage(snakemake.log[0]):
    write_new_study(**snakemake.params.asked, folder=Path.cwd())

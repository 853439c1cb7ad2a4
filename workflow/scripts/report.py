"""Adapter of the rule `report`."""

from trajectories.adapter import stage
from trajectories.report.stage import report_of_study

with stage(snakemake.log[0]):
    report_of_study(
        study=snakemake.params.study,
        tasks=snakemake.input.tasks,
        tables=snakemake.params.tables,
        figures=snakemake.input.figures,
        references=snakemake.params.references,
        scores=snakemake.input.scores,
        questions=snakemake.input.questions,
        benchmarks=snakemake.params.benchmarks,
        output=snakemake.output.page,
        summary=snakemake.output.summary,
    )

"""Adapter of the rule `import_accuracy`."""

from trajectories.adapter import stage
from trajectories.analysis.answers import write_answers
from trajectories.imports.accuracy import import_accuracy
from trajectories.questions.listing import write_listing
from trajectories.study.config import Study

with stage(snakemake.log[0]):
    import_accuracy(
        Study.model_validate_json(snakemake.params.study),
        snakemake.output.accuracy,
        snakemake.output.files,
        snakemake.output.notes,
        snakemake.params.fetched,
        snakemake.params.told,
    )
    write_listing(
        tasks=snakemake.params.tasks,
        averages=snakemake.params.averages,
        metrics=snakemake.params.listed_metrics,
        questions=[],
        output=snakemake.output.tasks,
    )
    write_answers(
        snakemake.output.accuracy, snakemake.output.tasks, {}, [], snakemake.params.metrics, snakemake.output.answers
    )

"""The stage `report`: tables and figures in, `report.html` out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trajectories.figures.shown import read_task_labels
from trajectories.report.page import Head, write_report
from trajectories.report.provenance import provenance
from trajectories.report.words import write_words
from trajectories.study.config import Study
from trajectories.study.protocol import protocol_label


def report_of_study(
    *,
    study: str,
    tasks: Path | str,
    tables: Mapping[str, Path | str],
    figures: Sequence[Path | str],
    references: Mapping[str, Path | str],
    scores: Sequence[Path | str],
    questions: Sequence[Path | str],
    benchmarks: Path | str,
    output: Path | str,
    summary: Path | str,
) -> None:
    """Write the page of a study, and what it found in a few lines of text (`summary`).

    `study` is its whole config as JSON; `tables` go by kind; `figures` are files, those of one figure sharing a stem;
    `references` are accuracy tables by display name; `benchmarks` is the folder of Snakemake's benchmark files.
    """
    config = Study.model_validate_json(study)
    head, labels = head_of(config), read_task_labels(tasks)
    given = {"tasks": Path(tasks)} | {kind: Path(path) for kind, path in tables.items()}
    write_words(summary, labels, given, head.alpha)
    write_report(
        output,
        head,
        labels,
        given,
        by_stem(figures),
        provenance(
            config,
            scores=map(Path, scores),
            questions=map(Path, questions),
            benchmarks=sorted(Path(benchmarks).rglob("*.tsv")),
        ),
        {name: Path(path) for name, path in references.items()},
    )


def head_of(study: Study) -> Head:
    """Return the page's title and the name of what it shows."""
    published = study.imported is not None and study.imported.format == "published"
    if study.imported is None:
        source = f"protocol {protocol_label(study.protocol)}"
    else:
        source = "published accuracies" if published else f"imported accuracies ({study.imported.format})"
    beside_paper = published or study.reference == "published"
    return Head(
        f"Trajectories: {study.study}", source, study.statistics.alpha, beside_paper, study.sizes, study.suites,
        study.statistics.axis, study.running_text,
    )  # fmt: skip


def by_stem(files: Sequence[Path | str]) -> dict[str, list[Path]]:
    """Return figure files by the name they share."""
    found: dict[str, list[Path]] = {}
    for file in map(Path, files):
        found.setdefault(file.stem, []).append(file)
    return found

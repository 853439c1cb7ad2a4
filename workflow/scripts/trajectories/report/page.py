"""`report.html`: one file that opens from the file system, needs no network and lets nothing else run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from trajectories.analysis.answers import constant_checkpoints, constant_share
from trajectories.figures.shown import TaskLabel, models_by_size, read_accuracy, suspect_checkpoints
from trajectories.files import write_text
from trajectories.report.curves import curves
from trajectories.report.doubts import doubts
from trajectories.report.embed import page_file, plotly_script, safe_json, security_policy
from trajectories.report.findings import Finding, findings
from trajectories.report.grids import Grid, grid, size_text
from trajectories.report.left_out import left_out
from trajectories.report.outcomes import outcomes_grid
from trajectories.report.provenance import Provenance
from trajectories.report.sections import MOST_ROWS, Block, chapters, picture
from trajectories.report.summary import QUESTION, summary
from trajectories.report.table1 import table1_grid
from trajectories.report.texts import TABLES
from trajectories.tables import read_table

TOLD = ("regression", "survival", "effects", "trends", "protocols", "checkpoints", "import_notes", "table1")
"""The tables that the first sentences rest on."""


@dataclass(frozen=True)
class Head:
    """What the page must know of the study beside its tables.

    `source` names the protocol, or where accuracies are from; `sizes` is the size each model is a run of,
    `suites` the suite it belongs to. Its curves begin along `axis`, the loss being that on the task `text`.
    """

    title: str
    source: str
    alpha: float = 0.05
    beside_paper: bool = False
    sizes: Mapping[str, str] | None = None
    suites: Mapping[str, str] | None = None
    axis: str = "tokens"
    text: str | None = None


def write_report(
    out: Path | str,
    head: Head,
    tasks: Sequence[TaskLabel],
    tables: Mapping[str, Path],
    figures: Mapping[str, Sequence[Path]],
    provenance: Provenance,
    references: Mapping[str, Path] | None = None,
) -> None:
    """Write the page.

    `tables` maps kinds of `tables.COLUMNS` to files: `accuracy` is needed, every other kind adds its part. `figures`
    maps names of `texts.FIGURES` to the files of one figure, an SVG among them. `references` are further accuracy
    tables by name, which the curves can be switched to. Raises `UserError` for an unreadable table.
    """
    write_text(out, page(head, tasks, tables, figures, provenance, references or {}))


def page(
    head: Head,
    tasks: Sequence[TaskLabel],
    tables: Mapping[str, Path],
    figures: Mapping[str, Sequence[Path]],
    provenance: Provenance,
    references: Mapping[str, Path],
) -> str:
    """Return the page of `write_report` as text."""
    accuracy = read_accuracy(tables["accuracy"])
    labels = {task.task: task.label for task in tasks}
    suspects = suspect_checkpoints(tables.get("checkpoints"), tables.get("consistency"))
    sources = {head.source: accuracy} | {name: read_accuracy(path) for name, path in references.items()}
    constants = constant_checkpoints(tables.get("answers"))
    told = {kind: read_table(tables[kind], kind) for kind in TOLD if kind in tables} | {"accuracy": accuracy}
    scripts = {"plotly": plotly_script(), "page": page_file("report.js")}
    return _render(
        head=head,
        question=QUESTION,
        facts=_facts(accuracy) + _constant_fact(tables, tasks),
        summary=summary(told, labels, head.alpha),
        left_out=left_out(told, labels),
        findings=_findings(tables, accuracy, labels, head),
        outcomes=_outcomes(tables, labels),
        table1=_table1(tables, labels, head),
        picture=picture("accuracy", figures["accuracy"]) if "accuracy" in figures else None,
        sections=chapters(tables, figures, labels, head.alpha),
        accuracies=_accuracies(accuracy, tasks),
        citations=_citations(tables),
        provenance=provenance,
        stages=_stages(provenance),
        data=Markup(
            safe_json(curves(sources, tasks, suspects, head.sizes, constants, head.suites, head.axis, head.text))
        ),
        scripts={name: Markup(text) for name, text in scripts.items()},
        style=Markup(page_file("report.css")),
        policy=security_policy(scripts.values()),
    )


def _render(**values: Any) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(page_file("report.html")).render(**values)


def _facts(accuracy: pd.DataFrame) -> list[tuple[str, str]]:
    models = models_by_size(accuracy)
    sizes = accuracy["parameters"]
    return [
        (str(len(models)), f"models, {size_text(sizes.min())} to {size_text(sizes.max())} parameters"),
        (str(accuracy["step"].nunique()), f"checkpoints each, to {size_text(accuracy['tokens'].max())} tokens"),
        (str(accuracy["task"].nunique()), "tasks"),
        (f"{len(accuracy.drop_duplicates(['model', 'step', 'task'])):,}", "accuracies"),
    ]


def _constant_fact(tables: Mapping[str, Path], tasks: Sequence[TaskLabel]) -> list[tuple[str, str]]:
    """Return how many values in the tasks' panels are constant answers, where any is."""
    if "answers" not in tables:
        return []
    constant, points = constant_share(read_table(tables["answers"], "answers"), {task.task for task in tasks})
    return [(str(constant), f"of {points} points are constant answers")] if constant else []


def _findings(
    tables: Mapping[str, Path], accuracy: pd.DataFrame, labels: Mapping[str, str], head: Head
) -> tuple[Finding, ...]:
    kinds = ("regression", "survival", "effects", "premises")
    read = {kind: read_table(tables[kind], kind) for kind in kinds if kind in tables}
    sizes = accuracy["parameters"].nunique()
    if "survival" in read and len(read["survival"]):  # runs of equal parameters may be told apart by the config
        sizes = (
            int(read_table(tables["sensitivity"], "sensitivity")["sizes"].max()) if "sensitivity" in tables else sizes
        )
    return findings(read, labels, head.alpha, sizes) + _doubts(tables)


def _doubts(tables: Mapping[str, Path]) -> tuple[Finding, ...]:
    return doubts(*(read_table(tables[kind], kind) if kind in tables else None for kind in ("consistency", "twins")))


def _outcomes(tables: Mapping[str, Path], labels: Mapping[str, str]) -> Block | None:
    if "effects" not in tables:
        return None
    text = TABLES["outcomes"]
    return Block(text.title, text.caption, outcomes_grid(read_table(tables["effects"], "effects"), labels))


def _table1(tables: Mapping[str, Path], labels: Mapping[str, str], head: Head) -> Grid | None:
    if "table1" not in tables or "regression" not in tables:
        return None
    table, regression = read_table(tables["table1"], "table1"), read_table(tables["regression"], "regression")
    return table1_grid(table, regression, labels, head.alpha, head.beside_paper)


def _accuracies(accuracy: pd.DataFrame, tasks: Sequence[TaskLabel]) -> Block | None:
    """Return the accuracies in each task's main metric; nothing where they are too many for a page."""
    text, main = TABLES["accuracy"], {task.task: task.metric for task in tasks}
    shown = accuracy[accuracy["task"].map(main) == accuracy["metric"]]
    if len(shown) > MOST_ROWS:
        return None
    labels = {task.task: task.label for task in tasks}
    return Block(text.title, text.caption, grid(shown, "accuracy", text.columns, text.titles, labels), folded=True)


def _citations(tables: Mapping[str, Path]) -> list[str]:
    """Return whom to cite for the study's tasks, each once."""
    if "tasks" not in tables:
        return []
    given = read_table(tables["tasks"], "tasks")["citation"].dropna().astype(str)
    return [citation for citation in dict.fromkeys(given) if citation]


def _stages(provenance: Provenance) -> Block | None:
    if provenance.stages.empty:
        return None
    text = TABLES["stages"]
    return Block(text.title, text.caption, grid(provenance.stages, "stages"))

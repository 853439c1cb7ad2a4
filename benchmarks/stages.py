"""What the stages after scoring cost as a study grows: CPU seconds and peak memory of each, in a process of its own.

    python benchmarks/stages.py [--sizes 8x8 8x154 61x154] [--stages accuracy flips ...] [--folder FOLDER]

Scores are made up (`common/made_study.py`). `8x154` is 8 models of 154 checkpoints, named as those of
`studies/everything.yaml`.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.machine import in_words, machine
from common.made_study import Made
from common.report import table, write_results


@dataclass(frozen=True)
class Cost:
    """What one stage took, and the size of what it wrote where that matters."""

    cpu: float
    wall: float
    peak_mb: float
    written_mb: float


def accuracy(made: Made) -> None:
    """Make every checkpoint's accuracies, or put together those that are kept."""
    from trajectories.analysis.stage import accuracy_of_scores

    accuracy_of_scores(
        checkpoints=made.table("checkpoints"), scores=made.scores, output=made.table("accuracy"),
        store=made.folder / "store",
    )  # fmt: skip


def consistency(made: Made) -> None:
    """Look for checkpoints that are not where their scores are."""
    from trajectories.analysis.stage import consistency_of_scores

    outputs = {kind: made.table(kind) for kind in ("consistency", "distances", "twins")}
    consistency_of_scores(
        checkpoints=made.table("checkpoints"), scores=made.scores, tasks=list(made.metrics), outputs=outputs
    )


def flips(made: Made) -> None:
    """Make the tables on single questions."""
    from trajectories.analysis.questions_stage import questions_of_study

    questions_of_study(
        checkpoints=made.table("checkpoints"), scores=made.scores, questions=made.questions, consistency=None,
        statistics=made.study.statistics.canonical(), metrics=made.metrics,
        outputs={kind: made.table(kind) for kind in ("intervals", "flips", "fates", "overlap", "losses", "margins")},
    )  # fmt: skip


def items(made: Made) -> None:
    """Fit the question-level model."""
    from trajectories.analysis.questions_stage import items_of_study

    items_of_study(
        checkpoints=made.table("checkpoints"), scores=made.scores, metrics=made.metrics, output=made.table("items"),
        statistics=made.study.statistics.canonical(), models=[model.canonical() for model in made.study.models],
    )  # fmt: skip


def answers(made: Made) -> None:
    """Look for constant answers."""
    from trajectories.analysis.answers import write_answers
    from trajectories.analysis.stage import by_checkpoint

    write_answers(
        made.table("accuracy"), made.table("tasks"), by_checkpoint(made.scores), made.questions, made.metrics,
        made.table("answers"),
    )  # fmt: skip


def fit(made: Made) -> None:
    """Fit the paper's regression and print its table."""
    from trajectories.analysis.regression import write_regression
    from trajectories.analysis.table1 import write_table1

    labels = {thing.name: thing.title for thing in made.study.shown}
    write_regression(made.table("accuracy"), made.table("regression"), made.metrics)
    write_table1(made.table("regression"), made.table("table1"), made.folder / "table1.md", labels)


def trends(made: Made) -> None:
    """Ask where trajectories go, which shapes tasks have, where they bend."""
    from trajectories.analysis.trends_stage import trends_of_study

    trends_of_study(
        accuracy=made.table("accuracy"), tasks=made.table("tasks"), statistics=made.study.statistics.canonical(),
        models=[model.canonical() for model in made.study.models], metrics=made.metrics, text=None,
        outputs={kind: made.table(kind) for kind in ("trends", "declines", "shapes", "breaks")},
    )  # fmt: skip


def robustness(made: Made) -> None:
    """Ask of each cell whether it holds, and what the design could have found."""
    from trajectories.analysis.robustness import Inputs
    from trajectories.analysis.robustness_stage import robustness_of_study

    kinds = ("sensitivity", "survival", "premises", "effects", "variation", "power", "power_curves")
    robustness_of_study(
        inputs=Inputs(made.table("accuracy"), made.table("tasks"), made.table("items"), made.table("answers")),
        statistics=made.study.statistics.canonical(), models=[model.canonical() for model in made.study.models],
        metrics=made.metrics, outputs={kind: made.table(kind) for kind in kinds},
    )  # fmt: skip


def figure(made: Made, name: str) -> None:
    """Draw one of the figures beside Figure 1."""
    from trajectories.figures.stage import draw_figures

    kinds = ("accuracy", "answers", "regression", "trends", "distances", "consistency")
    draw_figures(
        {kind: made.table(kind) for kind in (*kinds, "tasks")},
        {name: [made.folder / "figures" / f"{name}.{kind}" for kind in ("pdf", "svg", "png")]},
        alpha=0.05, names={model.name: model.label or model.name for model in made.study.models},
        suites=made.study.suites,
    )  # fmt: skip


def accuracy_figure(made: Made) -> None:
    """Draw Figure 1."""
    from trajectories.figures.accuracy import draw_accuracy
    from trajectories.figures.shown import read_task_labels

    draw_accuracy(
        made.table("accuracy"), read_task_labels(made.table("tasks")),
        [made.folder / "figures" / f"accuracy.{kind}" for kind in ("pdf", "svg", "png")],
        checkpoints=made.table("checkpoints"), consistency=made.table("consistency"), answers=made.table("answers"),
        names={model.name: model.label or model.name for model in made.study.models}, sizes=made.study.sizes,
        suites=made.study.suites,
    )  # fmt: skip


def report(made: Made) -> None:
    """Put the page together."""
    from trajectories.report.stage import report_of_study
    from trajectories.tables import COLUMNS

    there = {kind: made.table(kind) for kind in COLUMNS if made.table(kind).exists()}
    report_of_study(
        study=made.study.canonical(), tasks=made.table("tasks"), tables=there,
        figures=sorted((made.folder / "figures").iterdir()), references={}, scores=made.scores,
        questions=made.questions, benchmarks=made.folder / "benchmarks", output=made.folder / "report.html",
        summary=made.folder / "summary.txt",
    )  # fmt: skip


STAGES: dict[str, tuple[Callable[[Made], None], str]] = {
    "accuracy": (accuracy, ""),
    "accuracy, kept": (accuracy, ""),
    "consistency": (consistency, ""),
    "flips": (flips, "margins.tsv"),
    "items": (items, ""),
    "answers": (answers, ""),
    "fit": (fit, ""),
    "trends": (trends, ""),
    "robustness": (robustness, ""),
    "figure accuracy": (accuracy_figure, ""),
    "figure surface": (lambda made: figure(made, "surface"), ""),
    "figure models": (lambda made: figure(made, "models"), ""),
    "report": (report, "report.html"),
}
"""Each stage, and the file whose size is told. They follow each other: one reads what those before it wrote."""


def measured(folder: Path, stage: str) -> Cost:
    """Run a stage in a process of its own, imports included. Raises SystemExit with what it said when it fails."""
    command = [sys.executable, str(Path(__file__).resolve()), "--folder", str(folder), "--one", stage]
    began = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        raise SystemExit(f"{stage}: {done.stderr[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    written = folder / STAGES[stage][1]
    size = written.stat().st_size / 1e6 if written.is_file() else 0.0
    return Cost(cpu, time.perf_counter() - began, float(done.stdout.splitlines()[-1]), size)


def peak_mb() -> float:
    """Return the most memory this process has had, from Linux: what `getrusage` says counts its parent's, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def grown(sizes: Sequence[str], stages: Sequence[str], folder: Path) -> dict[str, dict[str, Any]]:
    """Return what each stage cost at each size."""
    found: dict[str, dict[str, Any]] = {}
    for size in sizes:
        models, steps = map(int, size.split("x"))
        own = folder / size
        if not own.exists():
            Made.write(own, models, steps)
        found[size] = {}
        for stage in stages:
            found[size][stage] = asdict(measured(own, stage))
            print(size, stage, found[size][stage], flush=True)
    return found


def as_text(found: dict[str, dict[str, Any]], where: dict[str, Any]) -> str:
    """Return the results as a page."""
    header = ["stage", *(f"{size}: CPU s, peak MiB" for size in found)]
    stages = next(iter(found.values()))
    rows = [[stage, *(f"{own[stage]['cpu']:.1f}, {own[stage]['peak_mb']:.0f}" for own in found.values())]
            for stage in stages]  # fmt: skip
    pages = [f"{size}: {own['report']['written_mb']:.1f} MB" for size, own in found.items() if "report" in own]
    lines = ["# Stages after scoring", "", in_words(where), "", table(header, rows)]
    return "\n".join(lines + (["", f"report.html, {'; '.join(pages)}."] if pages else [])) + "\n"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--sizes", nargs="+", default=["8x8", "8x154", "61x154"], help="models x checkpoints of each")
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=list(STAGES))
    parser.add_argument("--folder", type=Path, help="where the made-up studies lie, and are found again")
    parser.add_argument("--one", choices=list(STAGES), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        STAGES[given.one][0](Made(given.folder))
        print(peak_mb())
        return
    where = machine()
    with tempfile.TemporaryDirectory() as scratch:
        found = grown(given.sizes, given.stages, given.folder or Path(scratch))
    write_results("stages", {"machine": where, "stages": found}, as_text(found, where))


if __name__ == "__main__":
    main()

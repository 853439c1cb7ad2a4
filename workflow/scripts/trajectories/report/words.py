"""`summary.txt`: what the study found, a sentence a line, for the terminal at the end of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trajectories.figures.shown import TaskLabel
from trajectories.files import write_text
from trajectories.report.doubts import doubts
from trajectories.report.summary import summary
from trajectories.tables import read_table

MOST_LINES = 5
KINDS = ("regression", "survival", "effects", "trends", "consistency", "twins", "protocols")


def write_words(out: Path | str, tasks: Sequence[TaskLabel], tables: Mapping[str, Path], alpha: float) -> None:
    """Write the page's first sentences, then what is doubtful: five lines at most."""
    told = {kind: read_table(tables[kind], kind) for kind in KINDS if kind in tables}
    doubtful = doubts(told.get("consistency"), told.get("twins"))
    sentences = [
        *summary(told, {task.task: task.label for task in tasks}, alpha),
        *(f"{finding.task}: {finding.text}" for finding in doubtful),
    ]
    if len(sentences) > MOST_LINES:  # what Table 1 adds goes on in the first line
        sentences[:2] = [" ".join(sentences[:2])]
    write_text(out, "".join(f"{' '.join(sentence.split())}\n" for sentence in sentences))

"""What a study may name: every task of the catalogue, and the evaluation harness's where it is installed, as text."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from trajectories.questions.catalogue import known_tasks
from trajectories.questions.listing import source_of
from trajectories.questions.task import Task

HEADER = ("task", "questions", "metric", "source", "label")
WIDEST = 60
DESCRIBED = 300
"""The YAMLs of so many tasks of the harness are opened to say more than their names."""

Row = tuple[str, str, str, str, str]


def print_known(word: str = "") -> None:
    """Print the tasks whose name, label, description or source holds `word`, whatever its case."""
    ours, theirs = list(known_rows(word)), list(harness_rows(word))
    print(as_text([HEADER, *ours, *theirs]), flush=True)
    told = f"{len(ours)} known tasks, {len(theirs)} of the evaluation harness" if find_spec("lm_eval") else (
        f"{len(ours)} known tasks; the evaluation harness is not installed: pip install 'trajectories[harness]'"
    )  # fmt: skip
    print(f"\n{told}{f' with {word!r}' if word else '; --config find=word shows some'}", flush=True)


def known_rows(word: str = "") -> Iterator[Row]:
    """Yield name, number of questions, metric, source and label of the catalogue's tasks."""
    for task in known_tasks().values():
        row = _row(task)
        if _holds(word, *row, task.description):
            yield row


def _row(task: Task) -> Row:
    return task.name, str(task.questions or ""), task.metric, source_of(task), task.title


def harness_rows(word: str = "") -> Iterator[Row]:
    """Yield the same of the harness's own tasks and groups, as `{harness: name}` names them; nothing without it.

    The numbers of questions are in the data sets. Where there are more than `DESCRIBED`, only their names are told.
    """
    if find_spec("lm_eval") is None:
        return
    from lm_eval.tasks import __file__ as place
    from lm_eval.tasks._index import TaskIndex

    index = TaskIndex.build([Path(place).parent])
    found = [name for name in sorted(index) if _holds(word, name)]
    for name in found:
        path = index[name].yaml_path if len(found) <= DESCRIBED else None
        metric, source = _described(path) if path is not None else ("", "")
        yield f"{{harness: {name}}}", "", metric, source, ""


def _described(path: Path) -> tuple[str, str]:
    """Return the metrics and the data set of a YAML of the harness."""
    from lm_eval.tasks._yaml_loader import load_yaml

    record: dict[str, Any] = load_yaml(path, resolve_func=False)
    metrics = [str(entry.get("metric")) for entry in record.get("metric_list") or []]
    source = "/".join(str(record[key]) for key in ("dataset_path", "dataset_name") if record.get(key))
    return ", ".join(metrics), source or ("group" if "group" in record else "")


def _holds(word: str, *texts: str) -> bool:
    return any(word.lower() in text.lower() for text in texts)


def as_text(rows: Sequence[Row]) -> str:
    """Return rows as columns that line up, the last as wide as it is."""
    widths = [min(WIDEST, max(len(row[column]) for row in rows)) for column in range(len(HEADER) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    )

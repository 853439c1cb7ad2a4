"""The lines that end a run are those that begin the page."""

from pathlib import Path

import pandas as pd

from support.made_report import LABELS
from trajectories.report.summary import summary
from trajectories.report.words import write_words
from trajectories.tables import COLUMNS, read_table, write_table


def test_the_page_and_the_terminal_say_the_same_and_doubts_come_last(tables: dict[str, Path], tmp_path: Path) -> None:
    twins = pd.DataFrame({"model_a": ["tiny"], "model_b": ["small"], "distance": [0.1], "neighbours": [0.5]})
    write_table(twins.reindex(columns=list(COLUMNS["twins"])), tmp_path / "twins.tsv", "twins")
    write_words(tmp_path / "summary.txt", LABELS, tables | {"twins": tmp_path / "twins.tsv"}, 0.05)
    lines = (tmp_path / "summary.txt").read_text().splitlines()
    labels = {task.task: task.label for task in LABELS}
    assert lines[:-1] == list(summary({"regression": read_table(tables["regression"], "regression")}, labels, 0.05))
    assert lines[-1].startswith("Doubtful models: ")
    assert "tiny and small" in lines[-1]
    assert len(lines) <= 5

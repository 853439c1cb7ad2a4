"""The stage `accuracy`: scores files in, `accuracy.tsv` out."""

from collections.abc import Sequence
from pathlib import Path

from trajectories.analysis.accuracy import write_accuracy
from trajectories.tables import read_table


def accuracy_of_scores(*, checkpoints: Path | str, scores: Sequence[Path | str], output: Path | str) -> None:
    """Write the accuracy table of all checkpoints that are used; scores lie at `…/<model>/step<step>.parquet`."""
    table = read_table(checkpoints, "checkpoints")
    files = {(Path(file).parent.name, int(Path(file).stem.removeprefix("step"))): Path(file) for file in scores}
    write_accuracy(table[table["used"].astype(bool)], files, output)

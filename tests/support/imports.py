"""Reading results made elsewhere, as the import stage does, without its tables."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from trajectories.imports import harness, tidy
from trajectories.imports.accuracy import accuracy_table
from trajectories.imports.files import files_of
from trajectories.imports.notes import Notes
from trajectories.imports.placing import place
from trajectories.imports.reading import Reading
from trajectories.study.config import Study


def read_harness(path: Path) -> list[Reading]:
    """Read one result file, or every one below a folder."""
    return [reading for file in files_of(str(path), harness.ENDINGS) for reading in harness.read_harness_file(file)]


def read_tidy(path: Path) -> list[Reading]:
    """Read one table, or every one below a folder."""
    return [reading for file in files_of(str(path), tidy.ENDINGS) for reading in tidy.read_tidy_file(file)]


def placed(readings: Sequence[Reading], study: Study) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the accuracy table of readings, and how many were left out of each kind."""
    notes = Notes()
    return accuracy_table(place(readings, study, notes), study, notes), notes.counts

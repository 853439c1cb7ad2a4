"""One accuracy read from somebody's file, before it is known where in the study it belongs."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from trajectories.errors import UserError


@dataclass(frozen=True)
class Reading:
    """One number of one file, with the file's own words for model, revision and task.

    `model` is a repository, a folder or a plain name; `revision` the branch, or None where the file names none;
    `metric` one of ours, or None where the file does not say; `stderr` and `questions` None where not given.
    """

    file: Path
    model: str
    revision: str | None
    task: str
    metric: str | None
    value: float
    stderr: float | None = None
    questions: int | None = None


def checked_share(value: object, file: Path, what: str) -> float:
    """Return `value` as a float in 0…1. Raises `UserError` naming the file and `what` otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise UserError(f"{file}: {what} is {value!r}, not a number; make the file again")
    if not 0 <= value <= 1:
        raise UserError(f"{file}: {what} is {value!r}, outside 0…1; accuracies are shares, not per cent")
    return float(value)


def questions_behind(value: float, stderr: float | None) -> int | None:
    """Return how many questions a share of right answers came from, worked back from its standard error.

    The harness reports s = sqrt(v (1 - v) / (n - 1)) for n right-or-wrong answers, so n = v (1 - v) / s² + 1. None when
    that is not a whole number, or v·n is not (then the answers were not right-or-wrong, as for MC2), or s is 0.
    """
    if not stderr:
        return None
    exact = value * (1 - value) / stderr**2 + 1
    whole = round(exact)
    settled = abs(exact - whole) < 1e-4 * whole and abs(value * whole - round(value * whole)) < 1e-4
    return whole if settled and whole > 1 else None


def files_in(path: Path, suffix: str) -> Iterator[Path]:
    """Yield `path` itself if it is a file, else every file below it with that suffix, sorted.

    Raises `UserError` when there is none.
    """
    if path.is_file():
        yield path
        return
    found = sorted(file for file in path.rglob(f"*{suffix}") if not file.name.startswith("."))
    if not found:
        what = f"holds no {suffix} file" if path.is_dir() else "does not exist"
        raise UserError(f"import.path: {str(path)!r} {what}; give the file or folder with the results")
    yield from found

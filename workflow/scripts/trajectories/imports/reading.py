"""One number read from somebody's file, before it is known where in the study it belongs."""

from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path


@dataclass(frozen=True)
class Made:
    """How a file was made, as far as it says: what a reader must know before numbers are compared."""

    harness: str = ""
    commit: str = ""
    limit: str = ""
    dtype: str = ""
    peft: str = ""


@dataclass(frozen=True)
class Reading:
    """One number of one file, in the file's own words.

    `model` is a repository, a folder or a plain name; `revision` the branch and `iteration` the step as a number, each
    None where the file names none; `metric` the file's name for it, without its `filter`, or None where it does not
    say. `stderr`, `questions`, `tokens`, `shots`, `version` are None where not given; `line` counts a table's lines.
    """

    file: Path
    model: str
    revision: str | None
    task: str
    metric: str | None
    value: float
    stderr: float | None = None
    questions: int | None = None
    filter: str | None = None
    iteration: int | None = None
    tokens: int | None = None
    shots: int | None = None
    version: str | None = None
    line: int | None = None
    made: Made = field(default=Made())

    @property
    def whose(self) -> tuple[Path, str, str | None, int | None, str]:
        """All that tells which checkpoint the number is of; thousands of numbers of a file may have it in common."""
        return self.file, self.model, self.revision, self.iteration, self.made.peft


def standard_error(value: object) -> float | None:
    """Return a standard error, or None for what is none: text such as `N/A`, a NaN, a negative number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        return None
    return float(value)


def questions_behind(value: float, stderr: float | None) -> int | None:
    """Return how many questions a share of right answers came from, worked back from its standard error.

    The harness reports s = sqrt(v (1 - v) / (n - 1)) for n right-or-wrong answers, so n = v (1 - v) / s² + 1. None when
    that is not a whole number, or v·n is not (then the answers were not right-or-wrong, as for MC2), or s is 0.
    """
    if not stderr or not 0 <= value <= 1:
        return None
    exact = value * (1 - value) / stderr**2 + 1
    whole = round(exact)
    settled = abs(exact - whole) < 1e-4 * whole and abs(value * whole - round(value * whole)) < 1e-4
    return whole if settled and whole > 1 else None

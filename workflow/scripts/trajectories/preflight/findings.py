"""What a look ahead found: mistakes, which no run survives, and warnings."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from trajectories.errors import UserError


@dataclass
class Findings:
    """Lines for people, each once, in the order in which they were found."""

    mistakes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def wrong(self, error: UserError | str) -> None:
        """Note a mistake; an error of several lines is several."""
        self._add(self.mistakes, str(error).splitlines())

    def warn(self, lines: Iterable[str]) -> None:
        """Note warnings."""
        self._add(self.warnings, lines)

    @staticmethod
    def _add(to: list[str], lines: Iterable[str]) -> None:
        to += [line for line in dict.fromkeys(lines) if line not in to]

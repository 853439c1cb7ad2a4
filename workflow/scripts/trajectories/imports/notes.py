"""What an import left out or found odd: counted by kind, the first few named."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trajectories.tables import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

FIRST = 3  # of a kind are named


@dataclass
class Notes:
    """Counts by kind, in the order in which the kinds came up."""

    counts: dict[str, int] = field(default_factory=dict)
    firsts: dict[str, dict[str, None]] = field(default_factory=dict)

    def add(self, kind: str, what: str, count: int = 1) -> None:
        """Count `what` under a kind."""
        self.counts[kind] = self.counts.get(kind, 0) + count
        named = self.firsts.setdefault(kind, {})
        if len(named) < FIRST:
            named[what] = None

    def table(self) -> "pd.DataFrame":
        """Return a row per kind."""
        import pandas as pd

        rows = [(kind, count, ", ".join(self.firsts[kind])) for kind, count in self.counts.items()]
        return pd.DataFrame(rows, columns=list(COLUMNS["import_notes"]))

    def lines(self) -> list[str]:
        """Return a line per kind for people."""
        more = {kind: count > len(self.firsts[kind]) for kind, count in self.counts.items()}
        return [
            f"import: {kind}: {count} ({', '.join(self.firsts[kind])}{', …' if more[kind] else ''})"
            for kind, count in self.counts.items()
        ]

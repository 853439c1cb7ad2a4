"""Two ways to show a run: bars that move in a terminal, lines now and then in a pipe or a batch log."""

import time
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Column

from trajectories.terminal.run import Run, Stage

SECONDS_BETWEEN_LINES = 30.0
NAME, COUNT, PACE = 16, 9, 21
"""Characters of a bar's columns; what is in hand has the rest of the line."""

BAR, SHORT_BAR, WIDE = 24, 12, 110
"""Characters of a bar in terminals at least so wide, and in others."""


class View(Protocol):
    """Shows a run. `update` may be called as often as one likes, `close` once."""

    def update(self, run: Run) -> None:
        """Show what has changed."""

    def say(self, text: str) -> None:
        """Print a line that stays."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Bars:
    """A bar for each stage that has started, with count, rate, time left, and the job in hand."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, soft_wrap=False)
        bar = BAR if self._console.width >= WIDE else SHORT_BAR
        self._room = max(0, self._console.width - NAME - bar - COUNT - PACE - 5)
        columns = (
            TextColumn("{task.description}", table_column=Column(width=NAME, no_wrap=True)),
            BarColumn(bar, table_column=Column(width=bar)),
            MofNCompleteColumn(table_column=Column(width=COUNT, no_wrap=True)),
        )
        rest = (
            TextColumn("{task.fields[pace]}", table_column=Column(width=PACE, no_wrap=True)),
            TextColumn("{task.fields[hand]}", style="dim", markup=False, table_column=Column(no_wrap=True)),
        )
        self._progress = Progress(*columns, *rest, console=self._console, refresh_per_second=2)
        self._bars: dict[str, TaskID] = {}

    def update(self, run: Run) -> None:
        """Move the bars."""
        if not self._bars:
            self._progress.start()
        now = time.monotonic()
        for stage in run.stages.values():
            if stage.started is None:
                continue
            if stage.rule not in self._bars:
                self._bars[stage.rule] = self._progress.add_task(stage.rule, total=stage.total, pace="", hand="")
            hand = run.in_hand(stage.rule) if stage.done < stage.total else ""
            bar, shown = self._bars[stage.rule], shortened(hand, self._room)
            self._progress.update(bar, completed=stage.done, total=stage.total, pace=pace(stage, now), hand=shown)

    def say(self, text: str) -> None:
        """Print above the bars."""
        self._console.print(text, highlight=False, markup=False)

    def close(self) -> None:
        """Stop moving; the bars stay as they are."""
        self._progress.stop()


class Lines:
    """A line when the run starts, and one now and then."""

    def __init__(self, stream: TextIO, every: float = SECONDS_BETWEEN_LINES) -> None:
        self._stream, self._every, self._last = stream, every, float("-inf")

    def update(self, run: Run) -> None:
        """Print a line if the last one is long ago."""
        now = time.monotonic()
        done, total = run.counts()
        if total and now - self._last >= self._every:
            self._last = now
            stages = ", ".join(f"{stage.rule} {stage.done} of {stage.total}" for stage in run.active())
            self.say(f"{done} of {total} jobs done" + (f": {stages}" if stages else ""))

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing is left to do."""


def pace(stage: Stage, now: float) -> str:
    """Return rate and time left of a stage in words; of one that is at its end, how long it took."""
    if stage.ended is not None and stage.started is not None:
        return f"took {duration(stage.ended - stage.started)}"
    left = stage.seconds_left(now)
    if left is None or stage.started is None:
        return ""
    rate = stage.done / max(now - stage.started, 1e-9)
    rated = f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min" if rate >= 1 / 60 else f"{3600 * rate:.1f}/h"
    return f"{rated}, {duration(left)} left"


def shortened(text: str, room: int) -> str:
    """Return a text cut to so many characters."""
    return text if len(text) <= room else f"{text[: max(0, room - 1)]}…"[:room]


def duration(seconds: float) -> str:
    """Return a time in words."""
    minutes = round(seconds / 60)
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"

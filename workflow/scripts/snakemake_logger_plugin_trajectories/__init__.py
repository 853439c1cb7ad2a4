"""Snakemake's logger plugin of this project: a calm terminal. `snakemake --logger trajectories`, as the profiles do.

Bars in a terminal, a line now and then elsewhere, each failure in one line at the end. `--logger-trajectories-full`
shows what Snakemake shows by itself, as a dry run and `--verbose` always do; the log file has it in any case.
"""

import os
import sys
import threading
from dataclasses import dataclass, field
from logging import WARNING, LogRecord
from typing import Any

from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter, get_event
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

from trajectories.adapter import CALM
from trajectories.terminal.run import Run
from trajectories.terminal.views import Bars, Lines, View

# What Snakemake says when it is told to stop.
STOPPING = ("Terminating processes on user request", "Will exit after finishing", "Cancelling snakemake")
# What it says about every failure, which is said better in the lines at the end.
REPEATED = ("RuleException", "CalledProcessError", "WorkflowError:\nAt least one job", "Exiting because")
COLLECTING = {"study", "all"}  # rules that only name what is wanted
SHOWN = ("Nothing to be done",)
MADE = "made"  # attribute of a record that says what a run made; such lines are shown last
HEARTBEAT = 1.0  # seconds between two looks at the logs of jobs in hand


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Options on the command line, as `--logger-trajectories-…`."""

    full: bool = field(default=False, metadata={"help": "Show all that Snakemake shows by itself."})


class LogHandler(LogHandlerBase):
    """Turns Snakemake's log events into the state of a run, and shows it."""

    def __post_init__(self) -> None:
        """Choose how to show: all, bars, or lines."""
        settings, stream = self.common_settings, sys.stdout if self.common_settings.stdout else sys.stderr
        quiet = set(settings.quiet or ())
        self._everything: ColorizingTextHandler | None = None
        self._silent = Quietness.ALL in quiet
        if getattr(self.settings, "full", False) or settings.dryrun or settings.verbose or settings.debug_dag:
            told = DefaultFilter(quiet, settings.debug_dag, settings.verbose, settings.dryrun, settings.printshellcmds)
            formatter = DefaultFormatter(quiet, settings.show_failed_logs)
            self._everything = ColorizingTextHandler(settings.nocolor, stream, formatter, told)  # type: ignore[arg-type]
            return
        os.environ[CALM] = "1"  # jobs that run here keep what they say to their logs
        self._run = Run()
        self._view: View = Bars(stream) if stream.isatty() and not self._silent else Lines(stream)
        self._lock, self._ended = threading.Lock(), threading.Event()
        threading.Thread(target=self._beat, daemon=True).start()

    def emit(self, record: LogRecord) -> None:
        """Take one event."""
        if self._everything is not None:
            if self._everything.filter(record):
                self._everything.emit(record)
            return
        with self._lock:
            try:
                self._take(record, vars(record))
                self._show()
            except Exception:  # as logging's own handlers: what is shown must never end a run
                self.handleError(record)

    def _take(self, record: LogRecord, told: dict[str, Any]) -> None:
        event, text = get_event(record), record.getMessage() if record.msg else ""
        if event == LogEvent.RUN_INFO:
            self._run.plan({rule: count for rule, count in told["stats"].items() if rule not in {"total", *COLLECTING}})
        elif event == LogEvent.JOB_INFO:
            self._run.start(told["jobid"], told["rule_name"], told["wildcards"] or {}, told["log"])
        elif event == LogEvent.JOB_FINISHED:
            self._run.finish(told["job_id"])
        elif event == LogEvent.JOB_ERROR:
            self._run.fail(told["jobid"], told["rule_name"], told["log"], told["rule_msg"] or "")
        elif text.startswith(STOPPING):
            self._run.interrupted = True
        elif getattr(record, MADE, False):
            self._run.made.append(text)
        elif event in (None, LogEvent.ERROR):
            self._remark(record, text)

    def _remark(self, record: LogRecord, text: str) -> None:
        """Show what is no event of a job: warnings and errors of Snakemake itself, and that nothing is to be done."""
        repeated = text.startswith(REPEATED) or (self._run.failures and record.levelno >= WARNING)
        if text.startswith(SHOWN) or (record.levelno >= WARNING and not repeated and not self._run.interrupted):
            self._view.say(text)

    def _show(self) -> None:
        if not self._silent and not self._ended.is_set():
            self._view.update(self._run)

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            with self._lock:
                if self._run.running:
                    self._show()

    def close(self) -> None:
        """Leave the bars, and say what went wrong, each failure once and last."""
        if self._everything is None and not self._ended.is_set():
            with self._lock:
                self._ended.set()
                self._view.close()
                for line in self._run.last_words():
                    self._view.say(line)
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """It takes the place of Snakemake's own output."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Snakemake's own log file stays."""
        return False

    @property
    def has_filter(self) -> bool:
        """Every event is wanted."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Events are read, not formatted."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """No picture of the rules is drawn."""
        return False

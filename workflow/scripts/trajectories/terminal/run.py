"""The state of one run of the workflow, as its log events tell it: stages, jobs in hand, failures."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trajectories.terminal.logs import NOTE, failure_of, last_line, remarks

MOST_REMARKS = 8  # warnings shown at the end of a run; notes are all shown
GO_ON = "what is finished is kept; the same command goes on from there"


@dataclass
class Stage:
    """All jobs of one stage: how many there are and are done, when the first one started and the last one ended (s)."""

    rule: str
    total: int
    done: int = 0
    started: float | None = None
    ended: float | None = None

    def seconds_left(self, now: float) -> float | None:
        """Return how long the rest takes at the rate so far; None before a job has ended."""
        if self.started is None or not self.done:
            return None
        return (now - self.started) / self.done * (self.total - self.done)


@dataclass(frozen=True)
class RunningJob:
    """A job in hand: its rule, its wildcards in words, its log file."""

    rule: str
    what: str
    log: str | None


@dataclass
class Run:
    """What has happened so far. Times are seconds of a monotonic clock."""

    stages: dict[str, Stage] = field(default_factory=dict)
    running: dict[int, RunningJob] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    remarks: dict[str, None] = field(default_factory=dict)  # warnings and notes of the jobs, each once, in order
    made: list[str] = field(default_factory=list)  # what the workflow says it made, for the end

    def plan(self, jobs: Mapping[str, int]) -> None:
        """Take the number of jobs per rule."""
        self.stages = {}
        for rule, count in jobs.items():
            self.stages.setdefault(stage_of(rule), Stage(stage_of(rule), 0)).total += count

    def start(self, job: int, rule: str, wildcards: Mapping[str, str], logs: Sequence[str]) -> None:
        """Take a job in hand. One without a log only names what is wanted; it is no work to show."""
        if not logs:
            return
        what, name = " ".join(str(value) for value in wildcards.values()), stage_of(rule)
        self.running[job] = RunningJob(name, what, logs[0])
        stage = self.stages.setdefault(name, Stage(name, 1))
        if stage.started is None:
            stage.started = time.monotonic()

    def finish(self, job: int) -> None:
        """Count a job that ended well; what an earlier try of it said is forgotten."""
        ended = self.running.pop(job, None)
        if ended is not None:
            self.failures.pop(_key(ended), None)
            if ended.log:
                self.remarks |= dict.fromkeys(remarks(Path(ended.log)))
            stage = self.stages[ended.rule]
            stage.done += 1
            stage.ended = time.monotonic() if stage.done >= stage.total else None

    def fail(self, job: int, rule: str, logs: Sequence[str], message: str = "") -> None:
        """Remember a failed job: what its log says, in the first line also which job it was and where the log is."""
        ended = self.running.pop(job, None) or RunningJob(stage_of(rule), "", logs[0] if logs else None)
        said = failure_of(Path(ended.log)) if ended.log else ""
        first, *more = (said or message or "ended without a word").splitlines()
        parts = [first.removesuffix(":"), f"{ended.rule} {ended.what}".strip()] + (
            [f"log: {ended.log}"] if ended.log else []
        )
        self.failures[_key(ended)] = "\n".join(["error: " + " · ".join(parts), *more])

    def in_hand(self, rule: str) -> str:
        """Return what a stage is at: the last line of the log of a job in hand, else the job's wildcards."""
        jobs = [job for job in self.running.values() if job.rule == rule]
        for job in jobs:
            if job.log and (line := last_line(Path(job.log))):
                return line
        return ", ".join(job.what for job in jobs[:2] if job.what)

    def counts(self) -> tuple[int, int]:
        """Return how many jobs are done and how many there are."""
        return sum(stage.done for stage in self.stages.values()), sum(stage.total for stage in self.stages.values())

    def active(self) -> Iterator[Stage]:
        """Yield the stages that have started and are not at their end."""
        rules = {job.rule for job in self.running.values()}
        yield from (stage for stage in self.stages.values() if stage.rule in rules or 0 < stage.done < stage.total)

    def last_words(self) -> list[str]:
        """Return what is said once everything has ended: what was made, or what failed, or that it was interrupted."""
        if self.interrupted:
            done, total = self.counts()
            return [f"interrupted after {done} of {total} jobs: {GO_ON}"]
        if self.failures:
            done, total = self.counts()
            return [*self.failures.values(), f"{len(self.failures)} failed, {done} of {total} jobs done: {GO_ON}"]
        return [*self._remarks(), *self.made]

    def _remarks(self) -> list[str]:
        warnings = [remark for remark in self.remarks if not remark.startswith(NOTE)]
        notes = [remark.removeprefix(NOTE) for remark in self.remarks if remark.startswith(NOTE)]
        left = len(warnings) - MOST_REMARKS
        more = [f"and {left} more warnings in the logs"] if left > 0 else []
        return [*warnings[:MOST_REMARKS], *more, *notes]


def stage_of(rule: str) -> str:
    """Return the stage a rule belongs to: scoring is cut into rules score_1, score_2, … that are one stage."""
    return re.sub(r"(?<=score)_\d+$", "", rule)


def _key(job: RunningJob) -> str:
    return f"{job.rule} {job.what} {job.log}"

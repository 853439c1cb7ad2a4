"""Healing: for checkpoints whose own place holds wrong weights, look for the right ones elsewhere.

In this order: another format in the same commit, earlier commits of the same branch, the mirrors the user names. Only
metadata is read. What counts is said in `candidates`; what was found is locked by its commit like every checkpoint.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from trajectories.checkpoints.candidates import Candidate, Refused, Scales
from trajectories.checkpoints.evidence import eliminated, evidence
from trajectories.checkpoints.past import Past
from trajectories.checkpoints.records import Finding, Listing, ModelSource
from trajectories.checkpoints.survey import NothingThereError, Survey
from trajectories.errors import UserError
from trajectories.hub.client import NoRepositoryError

logger = logging.getLogger(__name__)

Look = Callable[[ModelSource], Survey]
"""How the suite itself was looked at; mirrors are looked at in the same way."""


@dataclass(frozen=True)
class Mirror:
    """Another place where a suite's checkpoints lie; patterns as in `ModelSource`, without one the suite's own."""

    hub: str | None = None
    folder: str | None = None
    revision: str | None = None

    def source(self, model: ModelSource) -> ModelSource:
        """Return the model as this mirror has it."""
        place = self.hub.replace("{model}", model.name) if self.hub is not None else str(self.folder)
        revision = self.revision or model.revision
        return replace(model, source="folder" if self.hub is None else "hub", address=place, revision=revision)

    def __str__(self) -> str:
        return str(self.hub or self.folder)


@dataclass(frozen=True)
class Recovery:
    """How far to look: at most `depth` earlier commits of each branch, then the mirrors in order."""

    depth: int = 20
    mirrors: tuple[Mirror, ...] = ()


class Healer:
    """Looks for the right weights of a whole suite, model after model, and remembers which mirrors were there."""

    def __init__(self, recovery: Recovery, look: Look) -> None:
        self.recovery, self.look = recovery, look
        self._absent: dict[Mirror, UserError] = {}
        self._there: set[Mirror] = set()

    def heal(self, survey: Survey) -> Sequence[Finding]:
        """Return the findings of a survey, with other weights for the sick checkpoints for which some were found.

        What stays sick says in its fault what was tried.
        """
        findings = survey.findings()
        if all(finding.fault is None for finding in findings):
            return findings
        patients = _Patients(survey, findings)
        patients.try_formats()
        patients.try_past(self.recovery.depth)
        for mirror in self.recovery.mirrors:
            self._try_mirror(mirror, patients)
        return patients.dismissed()

    def check_mirrors(self) -> None:
        """Raise `UserError` for a mirror that was there for none of the models it was needed for."""
        for mirror, error in self._absent.items():
            if mirror not in self._there:
                raise UserError(f"checkpoints.mirrors: {mirror}: {error}; correct this mirror, or take it out")

    def _try_mirror(self, mirror: Mirror, patients: "_Patients") -> None:
        if not patients.sick:
            return
        try:
            found = self.look(mirror.source(patients.survey.model)).findings()
        except (NoRepositoryError, NothingThereError) as error:
            self._absent[mirror] = error
            patients.tell(f"{mirror}: not there")
            return
        self._there.add(mirror)
        patients.try_mirror(str(mirror), {finding.step: finding for finding in found})


class _Patients:
    """The sick checkpoints of one model: what was tried for each, and what was found."""

    def __init__(self, survey: Survey, findings: Sequence[Finding]) -> None:
        self.survey, self.findings = survey, findings
        self.scales = Scales(survey, findings)
        self.past = Past(survey)
        self.found: dict[int, Finding] = {}
        self.tried: dict[int, list[str]] = {finding.step: [] for finding in findings}

    @property
    def sick(self) -> list[Finding]:
        """Checkpoints with a fault for which nothing has been found yet."""
        return [finding for finding in self.findings if finding.fault and finding.step not in self.found]

    def tell(self, what: str) -> None:
        """Note for all that are still sick that something was tried."""
        for finding in self.sick:
            self.tried[finding.step].append(what)

    def try_formats(self) -> None:
        """Look for another format in the same commit."""
        for finding in self.sick:
            if finding.listing is not None:
                other = Candidate(finding.step, finding.listing, "another format of the same commit")
                self._consider(other, "all formats of its commit")

    def try_past(self, depth: int) -> None:
        """Look at earlier commits of each branch, newest first, one of each branch at a time."""
        at = {f.step: f.listing for f in self.sick if f.listing is not None and f.listing.repo is not None}
        waiting = self.past.earlier(at, depth)
        refused: dict[int, Counter[str]] = {step: Counter() for step in at}
        while turn := {step: commits.pop(0) for step, commits in waiting.items() if commits and step not in self.found}:
            for candidate in self.past.candidates(turn, at):
                self.scales.add(candidate.step, candidate.listing)
                refused[candidate.step].update(self._refusal(candidate, at[candidate.step]))
            for step, reason in self._contradicted():
                refused.setdefault(step, Counter())[reason] += 1
        for step, reasons in refused.items():
            self.tried[step].append(_past_in_words(reasons))

    def _contradicted(self) -> list[tuple[int, str]]:
        """Put back what has meanwhile been seen under another step's name as well; return those steps and why."""
        others = {step: self.scales.others(step, finding.weights) for step, finding in self.found.items()}
        wrong = [(step, f"equal to an earlier commit of step {held[0]}") for step, held in others.items() if held]
        for step, _ in wrong:
            del self.found[step]
        return wrong

    def try_mirror(self, name: str, there: Mapping[int, Finding]) -> None:
        """Look at what a mirror has under the steps that are still sick."""
        for finding in self.sick:
            other = there[finding.step]
            if other.fault is not None or other.listing is None:
                self.tried[finding.step].append(f"{name}: {other.fault.status if other.fault else 'missing'} there too")
            else:
                where = f"{other.listing.revision} of the mirror {name}, commit {other.listing.commit[:12]}"
                self._consider(Candidate(finding.step, other.listing, where), name)

    def dismissed(self) -> Sequence[Finding]:
        """Return a finding for every step: sound, healed, right by elimination, or still sick and what was tried."""
        for line in evidence(self.survey, self.findings, self.past):
            logger.info("audit: %s: %s", self.survey.model.name, line)
        for finding in eliminated(self.survey, self.findings, self.found, self.past):
            self.found[finding.step] = finding
        for finding in self.found.values():
            logger.info("audit: %s step %d: recovered: %s", finding.model.name, finding.step, finding.recovered)
        return [self.found.get(finding.step) or self._still_sick(finding) for finding in self.findings]

    def _consider(self, candidate: Candidate, name: str) -> None:
        for reason in self._refusal(candidate):
            self.tried[candidate.step].append(f"{name}: {reason}")

    def _refusal(self, candidate: Candidate, now: Listing | None = None) -> list[str]:
        """Take a candidate if it counts; return why it does not, if so. `now` is what its branch holds today."""
        verdict = self.scales.weigh(candidate)
        if isinstance(verdict, Refused):
            return [verdict.reason]
        if now is not None and self.past.precedes_branch(candidate, now):
            return ["committed to main before the branch left it"]
        self.found[candidate.step] = verdict
        return []

    def _still_sick(self, finding: Finding) -> Finding:
        if finding.fault is None:
            return finding
        tried = "; ".join(self.tried[finding.step])
        return replace(finding, fault=replace(finding.fault, detail=f"{finding.fault.detail}; tried: {tried}"))


def _past_in_words(reasons: Counter[str]) -> str:
    if not reasons:
        return "its branch has no earlier commit that could be looked at"
    said = ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
    return f"{reasons.total()} earlier commit(s): {said}"

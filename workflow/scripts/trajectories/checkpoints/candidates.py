"""Weights that might belong to a checkpoint whose own place holds wrong ones, and the rule by which they count."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from trajectories.checkpoints.judge import SAME_SIZE
from trajectories.checkpoints.records import FORMATS, Finding, Format, Listing
from trajectories.checkpoints.survey import Survey
from trajectories.checkpoints.weight_files import support_files, weight_sets
from trajectories.hub.client import DamagedFileError
from trajectories.hub.files import ModelFile

Holders = Mapping[str, set[int | None]]
"""A weight file's hash → the steps that hold it, `main` as None."""

_SHAPE_KEYS = ("model_type", "vocab_size", "hidden_size", "n_embd", "num_hidden_layers", "n_layer", "intermediate_size",
               "num_attention_heads", "n_head")  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """Weights for `step` at a place that `where` says in words."""

    step: int
    listing: Listing
    where: str


@dataclass(frozen=True)
class Refused:
    """Why a candidate does not count."""

    candidate: Candidate
    reason: str


class Scales:
    """Weighs candidates for one model against everything that is known of its other checkpoints."""

    def __init__(self, survey: Survey, findings: Iterable[Finding]) -> None:
        self.survey = survey
        self.holders: dict[str, set[int | None]] = {}
        for listing in survey.listings:
            self.add(listing.step, listing)
        self.findings = {finding.step: finding for finding in findings}
        sizes = [sum(f.size for f in found.weights) for found in self.findings.values() if found.fault is None]
        self.usual = median(sizes) if sizes else None

    def add(self, step: int | None, listing: Listing) -> None:
        """Remember that weights were seen under a step's name."""
        for chosen in weight_sets(listing.files).values():
            for file in chosen:
                self.holders.setdefault(file.hash, set()).add(step)

    def weigh(self, candidate: Candidate) -> Finding | Refused:
        """Return the finding for a candidate that counts, else why none of its formats does.

        It counts when it is complete, no weight file is that of another step or of `main` (which may hold the last
        step), its size and shapes fit, and its architecture is that of the model's other checkpoints.
        """
        sets = weight_sets(candidate.listing.files)
        if not sets:
            return Refused(candidate, "no complete set of weight files")
        reasons: list[str] = []
        for form in (form for form in FORMATS if form in sets):
            try:
                reason = self._against(candidate, form, sets[form])
            except DamagedFileError as error:
                reason = str(error)
            if not reason:
                return self._finding(candidate, form, sets[form])
            reasons.append(reason)
        return Refused(candidate, "; ".join(dict.fromkeys(reasons)))

    def others(self, step: int, weights: Iterable[ModelFile]) -> list[int | None]:
        """Return the other names under which one of these files lies, `main` (None) first."""
        held = {owner for file in weights for owner in self.holders.get(file.hash, set())} - {step}
        if step == self.survey.last_step:
            held.discard(None)
        return sorted(held, key=lambda other: (other is not None, other or 0))

    def _against(self, candidate: Candidate, form: Format, weights: tuple[ModelFile, ...]) -> str:
        if others := self.others(candidate.step, weights):
            return f"equal to {'main' if others[0] is None else f'step {others[0]}'}"
        size = sum(file.size for file in weights)
        if self.usual and not 1 / SAME_SIZE < size / self.usual < SAME_SIZE:
            return f"{size} bytes of weights where the model's others have {self.usual:.0f}"
        if candidate.listing.file("config.json") is None:
            return "config.json is missing"
        if difference := self._architecture(candidate.listing):
            return f"another architecture: {difference}"
        return self.survey.contents.mismatch(candidate.listing, form, weights)

    def _architecture(self, listing: Listing) -> str:
        """Return how a candidate's config.json differs from the model's in what decides shapes."""
        theirs, ours = self.survey.contents.config(listing), self._config()
        return ", ".join(
            f"{key} {theirs.get(key)}, not {ours.get(key)}" for key in _SHAPE_KEYS if theirs.get(key) != ours.get(key)
        ) if ours else ""  # fmt: skip

    def _config(self) -> Mapping[str, Any]:
        """Return the config.json of the model's first sound checkpoint, or of any where none is sound."""
        found = sorted(self.findings.values(), key=lambda finding: finding.fault is not None)
        listings = [finding.listing for finding in found if finding.listing is not None]
        return next((config for listing in listings if (config := self.survey.contents.config(listing))), {})

    def _finding(self, candidate: Candidate, form: Format, weights: tuple[ModelFile, ...]) -> Finding:
        listing, before = candidate.listing, self.findings[candidate.step]
        return replace(
            before, listing=listing, format=form, weights=weights, fault=None, recovered=candidate.where,
            support=support_files(listing.files, form, weights),
            note=f"in its own place: {before.fault.detail}" if before.fault else "",
        )  # fmt: skip

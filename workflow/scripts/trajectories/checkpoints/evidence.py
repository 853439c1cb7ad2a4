"""Which of two equal checkpoints is the wrong one: what commits and neighbours say, in words; nothing is guessed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from trajectories.checkpoints.judge import judge
from trajectories.checkpoints.past import Past
from trajectories.checkpoints.records import Finding, Listing
from trajectories.checkpoints.survey import Survey
from trajectories.hub.history import Commit

_NEIGHBOURS = 1  # on each side


def evidence(survey: Survey, findings: Sequence[Finding], past: Past) -> Iterator[str]:
    """Yield a sentence for each two checkpoints with the same weights: when each was committed, and its neighbours.

    Folders have no commits; for them the sentence says that nothing tells.
    """
    for pair in _pairs(findings):
        named = " and ".join(f"step {finding.step}" for finding in pair)
        said = [line for finding in pair if (line := _committed(survey, finding, past))]
        yield f"{named} hold the same weights and one of them is wrong; " + ("; ".join(said) or "nothing says which")


def eliminated(
    survey: Survey, findings: Sequence[Finding], found: Mapping[int, Finding], past: Past
) -> Iterator[Finding]:
    """Yield the sick checkpoints whose weights are their own now that all others that held them are healed.

    One whose weights were committed later than the copies of them is left sick: then either may be the copy.
    """
    healed = [_healed(listing, found) for listing in survey.listings]
    again = judge(survey.model, healed, survey.last_step, survey.contents.mismatch)
    for before, after in zip(findings, again, strict=True):
        if before.step in found or before.fault is None or not before.fault.hash or after.fault is not None:
            continue
        others = [at for at in findings if at.step in found and _holds(at, before.fault.hash)]
        if others and not _is_later(before, others, past):
            names = ", ".join(f"step {other.step}" for other in others)
            said = f"elimination: these weights also lie under {names}, for which others were found"
            yield replace(after, recovered=said, note=f"in its own place: {before.fault.detail}")


def _healed(listing: Listing, found: Mapping[int, Finding]) -> Listing:
    finding = found.get(listing.step) if listing.step is not None else None
    return finding.listing if finding is not None and finding.listing is not None else listing


def _pairs(findings: Sequence[Finding]) -> list[tuple[Finding, Finding]]:
    """Return the checkpoints that share a hash with exactly one other step of the study, `main` not among them."""
    sharing: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.fault is not None and finding.fault.hash and "main" not in finding.fault.detail:
            sharing.setdefault(finding.fault.hash, []).append(finding)
    return [(group[0], group[1]) for group in sharing.values() if len(group) == 2]


def _committed(survey: Survey, finding: Finding, past: Past) -> str:
    steps = sorted(listing.step for listing in survey.listings if listing.step is not None)
    place = steps.index(finding.step)
    near = {steps[at] for at in range(place - _NEIGHBOURS, place + _NEIGHBOURS + 1) if 0 <= at < len(steps)}
    listings = [listing for listing in survey.listings if listing.step in near and listing.repo is not None]
    heads = past.heads(listings)
    own = heads.pop(finding.step, None)
    if own is None:
        return ""
    beside = ", ".join(f"step {step} of {commit.date:%Y-%m-%d}" for step, commit in heads.items() if commit is not None)
    return f"step {finding.step} is {own}" + (f", beside {beside}" if beside else "")


def _holds(finding: Finding, hash_: str) -> bool:
    return finding.listing is not None and any(file.hash == hash_ for file in finding.listing.files)


def _is_later(finding: Finding, others: Sequence[Finding], past: Past) -> bool:
    listings = [entry.listing for entry in (finding, *others) if entry.listing is not None]
    heads = past.heads(listings)
    own = heads.get(finding.step)
    return own is not None and any(_before(heads.get(other.step), own) for other in others)


def _before(other: Commit | None, own: Commit) -> bool:
    return other is not None and other.date < own.date

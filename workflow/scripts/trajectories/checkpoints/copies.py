"""Checkpoints that are byte for byte another checkpoint, wholly or in one shard.

Public suites do serve wrong weights under right names: EleutherAI/pythia issues 83, 195, 205 and 206, allenai/OLMo
issue 915. Two steps of one training run never have equal weights, except before the first update.
"""

from collections import defaultdict
from collections.abc import Sequence

from trajectories.checkpoints.records import Fault, Weights


def find_copies(weights: Sequence[Weights], last_step: int | None = None) -> dict[int, Fault]:
    """Return what is wrong with each step whose weights, or one shard of them, are those of another step.

    `weights` are the checkpoints of one model in one format, `main` among them with step None if there is one;
    `last_step` is the step `main` is expected to hold.

    Which of two equal steps carries the right name cannot be read from a hash, so all of them are reported, except:
    the last step where `main` confirms it, and step 0 where the equal steps are the first ones (no update yet).
    """
    owners_of = _holders(weights)
    listed = sorted({entry.step for entry in weights if entry.step is not None})
    faults: dict[int, Fault] = {}
    for entry in weights:
        if entry.step is None:
            continue
        shared = {hash_: held for hash_ in entry.hashes if (held := _others(owners_of[hash_], entry.step))}
        suspect = {h: held for h, held in shared.items() if not _rightful(entry.step, held, last_step, listed)}
        if suspect:
            faults[entry.step] = _fault(entry, suspect, last_step)
    return faults


def _holders(weights: Sequence[Weights]) -> dict[str, set[int | None]]:
    holders: dict[str, set[int | None]] = defaultdict(set)
    for entry in weights:
        for hash_ in entry.hashes:
            holders[hash_].add(entry.step)
    return holders


def _others(holders: set[int | None], step: int) -> list[int | None]:
    return sorted(holders - {step}, key=lambda other: (other is not None, other or 0))


def _rightful(step: int, others: list[int | None], last_step: int | None, listed: list[int]) -> bool:
    """Whether `step` is the one of these equal checkpoints that carries the right name."""
    if None in others:
        return step == last_step
    group = sorted([step, *(other for other in others if other is not None)])
    return step == 0 and group == listed[: len(group)]


def _fault(entry: Weights, suspect: dict[str, list[int | None]], last_step: int | None) -> Fault:
    whole = set(suspect) == entry.hashes
    first = next(file for file in entry.files if file.hash in suspect)
    others = suspect[first.hash]
    of = _name(last_step if last_step in others and None in others else others[0])
    what = "all weights" if whole else f"shard {first.name}"
    return Fault(
        status=f"{'duplicate' if whole else 'shard'}-of-{of}",
        detail=f"{what} equal to {_names(others)}, sha256 {first.hash[:16]}…",
        hash=first.hash,
    )


def _name(step: int | None) -> str:
    return "main" if step is None else f"step{step}"


def _names(steps: list[int | None], limit: int = 6) -> str:
    named = [_name(step) for step in steps]
    more = f" and {len(named) - limit} more" if len(named) > limit else ""
    return ", ".join(named[:limit]) + more

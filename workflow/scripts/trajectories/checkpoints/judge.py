"""One finding per checkpoint from what lies at each address: the files that will be used, and what is wrong."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from trajectories.checkpoints.copies import find_copies
from trajectories.checkpoints.records import FORMATS, Fault, Finding, Format, Listing, ModelSource, Weights
from trajectories.checkpoints.weight_files import support_files, weight_sets
from trajectories.hub.files import ModelFile

ShapeCheck = Callable[[Listing, Format, tuple[ModelFile, ...]], str]
SAME_SIZE = 2.5  # checkpoints of one run may differ by type (a factor of 2) and by buffers saved along (some percent)

_Sets = dict[Format, tuple[ModelFile, ...]]


def judge(
    model: ModelSource, listings: Sequence[Listing], last_step: int | None, shape_check: ShapeCheck
) -> list[Finding]:
    """Return one finding per step of `model`, in the study's order.

    `listings` are all branches or folders that were looked at: the study's steps and whatever they are compared with
    (other steps, and `main` with step None). `last_step` is the step that `main` should hold; `shape_check` says how
    the tensors of a checkpoint differ from its config.json, in words, or nothing.
    """
    at = {listing.step: listing for listing in listings}
    sets = {step: weight_sets(listing.files) for step, listing in at.items()}
    faults = {form: _faults(sets, form, last_step) for form in FORMATS}
    return [_finding(model, step, at.get(step), sets.get(step, {}), faults, shape_check) for step in model.steps]


def _faults(sets: Mapping[int | None, _Sets], form: Format, last_step: int | None) -> dict[int, Fault]:
    """What is wrong with each step's files of one format, seen beside the other steps'."""
    weights = [Weights(step, chosen[form]) for step, chosen in sets.items() if form in chosen]
    return _odd_sizes(weights) | find_copies(weights, last_step)


def _odd_sizes(weights: Sequence[Weights]) -> dict[int, Fault]:
    usual = median([entry.size for entry in weights]) if len(weights) > 2 else 0
    return {
        entry.step: Fault("wrong-size", f"{entry.size} bytes of weights where the model's others have {usual:.0f}")
        for entry in weights
        if entry.step is not None and usual and not 1 / SAME_SIZE < entry.size / usual < SAME_SIZE
    }


def _finding(
    model: ModelSource,
    step: int,
    listing: Listing | None,
    sets: _Sets,
    faults: Mapping[Format, Mapping[int, Fault]],
    shape_check: ShapeCheck,
) -> Finding:
    if listing is None:
        return Finding(model, step, None, None, fault=Fault("missing", "no such branch or folder"))
    if not sets:
        return Finding(model, step, listing, None, fault=Fault("no-weights", "no complete set of weight files"))
    sound = [form for form in FORMATS if form in sets and step not in faults[form]]
    form = sound[0] if sound else next(form for form in FORMATS if form in sets)
    weights, support = sets[form], support_files(listing.files, form, sets[form])
    fault = faults[form].get(step) or _own_fault(listing, form, weights, shape_check)
    return Finding(model, step, listing, form, weights, fault, support, _note(step, form, faults))


def _own_fault(listing: Listing, form: Format, weights: tuple[ModelFile, ...], shape_check: ShapeCheck) -> Fault | None:
    if listing.file("config.json") is None:
        return Fault("no-config", "config.json is missing")
    mismatch = shape_check(listing, form, weights)
    return Fault("wrong-shape", mismatch) if mismatch else None


def _note(step: int, used: Format, faults: Mapping[Format, Mapping[int, Fault]]) -> str:
    """Say why a less preferred format is used, or that the unused one is wrong."""
    other: Format = "bin" if used == "safetensors" else "safetensors"
    fault = faults[other].get(step)
    return f"{used} used; {other}: {fault.detail}" if fault and step not in faults[used] else ""

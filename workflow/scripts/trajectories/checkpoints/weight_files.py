"""Which of a checkpoint's files are its weights."""

import re
from collections.abc import Iterable

from trajectories.checkpoints.records import Format
from trajectories.hub.files import ModelFile

WHOLE: dict[Format, str] = {"safetensors": "model.safetensors", "bin": "pytorch_model.bin"}
INDEX: dict[Format, str] = {name: f"{whole}.index.json" for name, whole in WHOLE.items()}
_SHARD: dict[Format, re.Pattern[str]] = {
    "safetensors": re.compile(r"model-(\d{5})-of-(\d{5})\.safetensors"),
    "bin": re.compile(r"pytorch_model-(\d{5})-of-(\d{5})\.bin"),
}


def weight_sets(files: Iterable[ModelFile]) -> dict[Format, tuple[ModelFile, ...]]:
    """Return the complete sets of weight files among `files`, by format.

    The order in which transformers looks is kept: one whole file first, then shards with their index. A set of shards
    with a gap or without its index is not complete and is left out.
    """
    named = {file.name: file for file in files}
    found = {form: _complete_set(named, form) for form in WHOLE}
    return {form: chosen for form, chosen in found.items() if chosen}


def support_files(files: Iterable[ModelFile], form: Format, weights: tuple[ModelFile, ...]) -> tuple[ModelFile, ...]:
    """Return the small files that loading `weights` needs besides them: config.json and, for shards, their index."""
    wanted = {"config.json"} | ({INDEX[form]} if weights and weights[0].name != WHOLE[form] else set())
    return tuple(sorted((file for file in files if file.name in wanted), key=lambda file: file.name))


def _complete_set(named: dict[str, ModelFile], form: Format) -> tuple[ModelFile, ...]:
    if WHOLE[form] in named:
        return (named[WHOLE[form]],)
    if INDEX[form] not in named:
        return ()
    shards = {name: match for name in named if (match := _SHARD[form].fullmatch(name))}
    totals = {match.group(2) for match in shards.values()}
    if len(totals) != 1 or {int(match.group(1)) for match in shards.values()} != set(range(1, int(totals.pop()) + 1)):
        return ()
    return tuple(named[name] for name in sorted(shards))

"""The audit of checkpoints that lie in local folders."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from trajectories.checkpoints.contents import Contents
from trajectories.checkpoints.records import Listing, ModelSource
from trajectories.checkpoints.revisions import step_names
from trajectories.checkpoints.shapes import MAX_JSON, read_json
from trajectories.checkpoints.survey import NothingThereError, Survey
from trajectories.checkpoints.weight_files import INDEX, support_files, weight_sets
from trajectories.errors import UserError
from trajectories.files import digest, file_sha256
from trajectories.hub.files import ModelFile, plain_name


def survey_folders(model: ModelSource) -> Survey:
    """Return what lies in the folders of a model's steps; every weight file is hashed.

    `model.address` is a pattern such as `path/{model}/step{step}`. Raises `UserError` when there is no folder at all,
    and for a folder that cannot be trusted (links that leave it, names with separators, absurd sizes).
    """
    listings = [found for step in model.steps if (found := _listing(model, step)) is not None]
    if not listings:
        first = folder_path(model.address, model.name, model.steps[0])
        raise NothingThereError(
            f"model {model.name!r}: no folder matches {model.address!r} (looked for {first} and others)"
        )
    return Survey(model, tuple(listings), None, Contents())


def folder_path(pattern: str, model: str, step: int) -> Path:
    """Return the folder a pattern names for one checkpoint.

    A step is looked for as the pattern writes it, then with zeros before it; other placeholders than `{model}` and
    `{step}` stand for anything. The one folder that exists is taken. Raises `UserError` when several match.
    """
    exact, *padded = step_names(pattern.replace("{model}", model), step)
    found = _existing(exact) or [path for name in padded for path in _existing(name)]
    if len(found) > 1:
        raise UserError(f"{pattern!r}: step {step} of {model} matches {found[0]} and {found[1]}; leave one")
    return found[0] if found else Path(exact)


def _existing(name: str) -> list[Path]:
    if not re.search(r"\{\w+\}", name):
        return [Path(name)] if Path(name).exists() else []
    return sorted(Path(name[: name.index("{")]).parent.glob(_glob(name)))


def list_folder(folder: Path) -> tuple[ModelFile, ...]:
    """Return the files of one checkpoint folder that matter: weights, their index and config.json, each hashed.

    Raises `UserError` for a link that leaves the folder, an index that names files elsewhere, an absurd size.
    """
    present = tuple(
        ModelFile(entry.name, entry.stat().st_size, "") for entry in sorted(os.scandir(folder), key=lambda e: e.name)
        if entry.is_file()
    )  # fmt: skip
    sets = weight_sets(present)
    wanted = {file.name for form, chosen in sets.items() for file in (*chosen, *support_files(present, form, chosen))}
    for name in sorted(wanted | ({"config.json"} & {file.name for file in present})):
        _check_file(folder, name)
    for form in sets:
        check_index(folder, form, {file.name for file in present})
    return tuple(ModelFile(f.name, f.size, file_sha256(folder / f.name)) for f in present if f.name in wanted)


def folder_commit(files: Sequence[ModelFile]) -> str:
    """Return what stands in for a commit: a hash over names and contents, so that any change scores anew."""
    return digest(sorted((file.name, file.hash) for file in files))


def _listing(model: ModelSource, step: int) -> Listing | None:
    folder = folder_path(model.address, model.name, step)
    if not folder.is_dir():
        return None
    files = list_folder(folder)
    return Listing(step, folder.name, folder_commit(files), files, source=f"folder:{folder}")


def _glob(filled: str) -> str:
    start = Path(filled[: filled.index("{")]).parent
    return re.sub(r"\{\w+\}", "*", str(Path(filled).relative_to(start)))


def _check_file(folder: Path, name: str) -> None:
    path = folder / plain_name(name)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"{path} is a link that leaves its checkpoint folder; put the file itself there")
    if name.endswith(".json") and path.stat().st_size > MAX_JSON:
        raise UserError(f"{path}: {path.stat().st_size} bytes is absurd for this file; check where it came from")


def check_index(folder: Path, form: str, present: set[str]) -> None:
    """Raise `UserError` when the shards' index in `folder` names files that are not there, or not plain names."""
    path = folder / INDEX["safetensors" if form == "safetensors" else "bin"]
    if not path.exists():
        return
    named = set(map(str, read_json(path).get("weight_map", {}).values()))
    for name in sorted(named):
        plain_name(name)
    if missing := sorted(named - present):
        raise UserError(f"{path} names {missing[0]!r}, which is not there; copy the checkpoint again")

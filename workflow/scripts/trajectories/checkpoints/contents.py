"""What judging a checkpoint needs beyond names and hashes: its config.json and the shapes of its tensors."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from trajectories.checkpoints.records import Format, Listing
from trajectories.checkpoints.shapes import MAX_JSON, Shapes, read_json, safetensors_shapes, shape_mismatch
from trajectories.checkpoints.weight_files import weight_sets
from trajectories.hub import client as hub
from trajectories.hub.files import ModelFile


class Contents:
    """Reads config.json files and headers of safetensors files, on the hub or in folders; equal files are read once."""

    def __init__(self) -> None:
        self._configs: dict[str, Mapping[str, Any]] = {}
        self._shapes: dict[str, Shapes | str] = {}

    def read_ahead(self, listings: Iterable[Listing]) -> None:
        """Read the headers of these listings on the hub, several at a time; of a damaged one, what is wrong is kept."""
        where = {
            file.hash: (listing.repo, listing.commit, file.name)
            for listing in listings
            if listing.repo is not None
            for file in weight_sets(listing.files).get("safetensors", ())
            if file.hash not in self._shapes
        }
        self._shapes |= dict(
            zip(where, hub.in_parallel(lambda place: _hub_shapes(*place), where.values()), strict=True)
        )

    def mismatch(self, listing: Listing, form: Format, weights: tuple[ModelFile, ...]) -> str:
        """Return how the tensors differ from config.json, in words, or nothing.

        A pickle has no header that could be read without running it; nothing is said of it.
        """
        if form != "safetensors":
            return ""
        shapes = [self._shapes_of(listing, file) for file in weights]
        if damage := [said for said in shapes if isinstance(said, str)]:
            return damage[0]
        return shape_mismatch(self.config(listing), [part for part in shapes if not isinstance(part, str)])

    def config(self, listing: Listing) -> Mapping[str, Any]:
        """Return a listing's config.json; empty where there is none.

        Raises `UserError` when it is not JSON (on the hub, `DamagedFileError`).
        """
        file = listing.file("config.json")
        if file is None:
            return {}
        if file.hash not in self._configs:
            self._configs[file.hash] = (
                _hub_json(listing, file) if listing.folder is None else read_json(listing.folder / file.name)
            )
        return self._configs[file.hash]

    def _shapes_of(self, listing: Listing, file: ModelFile) -> Shapes | str:
        if file.hash not in self._shapes:
            if listing.folder is None:
                self.read_ahead([listing])
            else:
                self._shapes[file.hash] = safetensors_shapes(listing.folder / file.name)
        return self._shapes[file.hash]


def _hub_shapes(repo: str, commit: str, name: str) -> Shapes | str:
    try:
        return hub.shapes(repo, commit, name)
    except hub.DamagedFileError as error:
        return str(error)


def _hub_json(listing: Listing, file: ModelFile) -> Mapping[str, Any]:
    assert listing.repo is not None
    where = f"{listing.repo} at {listing.revision}"
    if file.size > MAX_JSON:
        raise hub.DamagedFileError(f"{where}: config.json has {file.size} bytes, which is absurd")
    try:
        value = json.loads(hub.small_file(listing.repo, listing.commit, file))
    except ValueError as error:
        raise hub.DamagedFileError(f"{where}: config.json is not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise hub.DamagedFileError(f"{where}: config.json is not a JSON object")
    return value

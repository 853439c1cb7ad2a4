"""The audit of checkpoints on the hub: metadata only, no weights are downloaded.

One request lists a repository's branches, one more per branch its files with their hashes. Shapes are read from the
first kilobytes of safetensors files.
"""

import json
import logging
from collections.abc import Mapping

from trajectories.checkpoints.judge import judge
from trajectories.checkpoints.records import Finding, Format, Listing, ModelSource
from trajectories.checkpoints.revisions import step_branches
from trajectories.checkpoints.shapes import MAX_JSON, Shapes, shape_mismatch
from trajectories.checkpoints.weight_files import weight_sets
from trajectories.errors import UserError
from trajectories.hub import client as hub
from trajectories.hub.files import ModelFile

logger = logging.getLogger(__name__)


def audit_hub_model(model: ModelSource, compare: str = "used") -> list[Finding]:
    """Return one finding per step of a model on the hub.

    With `compare="used"` the study's steps are compared with each other, with the last step and with `main`; with
    `all`, with every branch that matches the pattern (one request each). Raises `UserError` when the repository
    cannot be read or no branch matches.
    """
    repo = model.address.replace("{model}", model.name)
    commits = hub.branches(repo)
    at = step_branches(model.revision, commits, model.name)
    if not at:
        raise UserError(
            f"model {model.name!r}: none of the {len(commits)} branches of {repo} matches {model.revision!r}; "
            f"it has {', '.join(sorted(commits)[:4])} …; correct checkpoints.revision"
        )
    last = max(at)
    steps = list(at) if compare == "all" else sorted(({*model.steps, last}) & at.keys())
    logger.info("audit: %s: %d of %d step branches", repo, len(steps), len(at))
    listings = _listings(repo, {**{step: at[step] for step in steps}, **_main(commits)}, commits)
    headers = _headers(repo, [listing for listing in listings if listing.step in model.steps])
    return judge(model, listings, last, _ShapeCheck(repo, headers).mismatch)


def _main(commits: Mapping[str, str]) -> dict[int | None, str]:
    return {None: "main"} if "main" in commits else {}


def _listings(repo: str, names: Mapping[int | None, str], commits: Mapping[str, str]) -> list[Listing]:
    wanted = sorted({commits[name] for name in names.values()})
    files = dict(zip(wanted, hub.in_parallel(lambda commit: hub.list_files(repo, commit), wanted), strict=True))
    return [
        Listing(step, name, commits[name], files[commits[name]], source=f"hub:{repo}") for step, name in names.items()
    ]


def _headers(repo: str, listings: list[Listing]) -> dict[str, Shapes]:
    """Return the tensor shapes of every safetensors file that may be used, by the file's hash."""
    where = {
        file.hash: (listing.commit, file.name)
        for listing in listings
        for file in weight_sets(listing.files).get("safetensors", ())
    }
    read = hub.in_parallel(lambda place: hub.shapes(repo, *place), where.values())
    return dict(zip(where, read, strict=True))


class _ShapeCheck:
    """Compares headers of safetensors files with their config.json; equal configs are read once."""

    def __init__(self, repo: str, headers: Mapping[str, Shapes]) -> None:
        self.repo, self.headers = repo, headers
        self.configs: dict[str, Mapping[str, object]] = {}

    def mismatch(self, listing: Listing, form: Format, weights: tuple[ModelFile, ...]) -> str:
        """Return how the tensors differ from config.json, in words, or nothing."""
        if form != "safetensors":
            return ""  # the names and shapes in a pickle cannot be read without downloading it
        return shape_mismatch(self._config(listing), [self.headers[file.hash] for file in weights])

    def _config(self, listing: Listing) -> Mapping[str, object]:
        file = listing.file("config.json")
        assert file is not None
        if file.size > MAX_JSON:
            raise UserError(f"{self.repo} at {listing.revision}: config.json has {file.size} bytes, which is absurd")
        if file.hash not in self.configs:
            self.configs[file.hash] = self._read(listing, file)
        return self.configs[file.hash]

    def _read(self, listing: Listing, file: ModelFile) -> Mapping[str, object]:
        try:
            value = json.loads(hub.small_file(self.repo, listing.commit, file))
        except ValueError as error:
            raise UserError(f"{self.repo} at {listing.revision}: config.json is not valid JSON ({error})") from error
        if not isinstance(value, dict):
            raise UserError(f"{self.repo} at {listing.revision}: config.json is not a JSON object")
        return value

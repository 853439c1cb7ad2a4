"""The audit of checkpoints on the hub: metadata only, no weights are downloaded.

One request lists a repository's branches, one more per branch its files with their hashes. Shapes are read from the
first kilobytes of safetensors files.
"""

import logging
from collections.abc import Mapping

from trajectories.checkpoints.contents import Contents
from trajectories.checkpoints.records import Listing, ModelSource
from trajectories.checkpoints.revisions import step_branches
from trajectories.checkpoints.survey import NothingThereError, Survey
from trajectories.hub import client as hub
from trajectories.hub.look_alikes import look_alikes

logger = logging.getLogger(__name__)


def survey_hub(model: ModelSource, compare: str = "used") -> Survey:
    """Return what lies on the hub for a model.

    With `compare="used"` these are the study's steps, the last step and `main`; with `all`, every branch that matches
    the pattern (one request each). Raises `UserError` when the repository cannot be read or no branch matches.
    """
    repo = model.address.replace("{model}", model.name)
    commits = _branches(repo)
    at = step_branches(model.revision, commits, model.name)
    if model.main_is is not None and "main" in commits:
        at = dict(sorted({model.main_is: "main", **at}.items()))
    if not at:
        raise NothingThereError(
            f"model {model.name!r}: none of the {len(commits)} branches of {repo} matches {model.revision!r}; "
            f"it has {', '.join(sorted(commits)[:4])} …; correct checkpoints.revision"
        )
    last = max(at) if model.main_is is None else model.main_is
    steps = list(at) if compare == "all" else sorted(({*model.steps, last}) & at.keys())
    logger.info("audit: %s: %d of %d step branches", repo, len(steps), len(at))
    listings = _listings(repo, {**{step: at[step] for step in steps}, **_main(commits)}, commits)
    contents = Contents()
    contents.read_ahead(listing for listing in listings if listing.step in model.steps)
    return Survey(model, tuple(listings), last, contents)


def _branches(repo: str) -> dict[str, str]:
    """Return a repository's branches and their commits; of one that is not there, the error names what is like it."""
    try:
        return hub.branches(repo)
    except hub.NoRepositoryError as error:
        if alike := look_alikes(repo):
            raise hub.NoRepositoryError(f"{error}; models there with a like name: {', '.join(alike)}") from error
        raise


def _main(commits: Mapping[str, str]) -> dict[int | None, str]:
    return {None: "main"} if "main" in commits else {}


def _listings(repo: str, names: Mapping[int | None, str], commits: Mapping[str, str]) -> list[Listing]:
    wanted = sorted({commits[name] for name in names.values()})
    files = dict(zip(wanted, hub.in_parallel(lambda commit: hub.list_files(repo, commit), wanted), strict=True))
    return [
        Listing(step, name, commits[name], files[commits[name]], source=f"hub:{repo}") for step, name in names.items()
    ]

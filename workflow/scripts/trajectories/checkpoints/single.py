"""One checkpoint for a notebook: a folder here, or a repository on the hub, kept in the user's own hub cache."""

from pathlib import Path

from huggingface_hub import snapshot_download, try_to_load_from_cache

from trajectories.checkpoints.records import FORMATS
from trajectories.checkpoints.staged import chosen_files
from trajectories.checkpoints.weight_files import support_files, weight_sets
from trajectories.errors import UserError
from trajectories.hub import client as hub
from trajectories.hub.download import verified
from trajectories.hub.snapshot import TOKENIZER_FILES


def local_checkpoint(place: Path | str, revision: str | None = None) -> tuple[Path, tuple[str, ...]]:
    """Return the folder of a checkpoint and the names of the files to load.

    `place` is a folder, or a repository (with `revision`: a branch, tag or commit) of which the files that an audit
    would choose are downloaded and verified. Raises `UserError` when it is neither, or cannot be had.
    """
    if (folder := Path(place).expanduser()).is_dir():
        return folder, chosen_files(folder)
    repo = _repository(place)
    try:
        commit = hub.resolve_commit(repo, revision or "main")
    except UserError as error:
        return _cached(repo, revision, error)
    files = hub.list_files(repo, commit)
    sets = weight_sets(files)
    if not sets:
        raise UserError(f"{repo} at {revision or 'main'}: has no complete set of weights; is it a checkpoint?")
    form = next(form for form in FORMATS if form in sets)
    wanted = (*sets[form], *support_files(files, form, sets[form]))
    names = [file.name for file in wanted]
    folder = _download(repo, revision, [*names, *TOKENIZER_FILES])
    for file in wanted:
        if not verified(folder / file.name, file):
            raise UserError(f"{folder / file.name}: is not what the hub lists; delete it and run again")
    return folder, tuple(names)


def local_tokenizer(place: Path | str) -> Path:
    """Return the folder of a tokenizer: a folder here, or a repository, optionally with @revision."""
    if (folder := Path(place).expanduser()).is_dir():
        return folder
    name, _, revision = str(place).partition("@")
    repo = _repository(name)
    try:
        return _download(repo, revision, list(TOKENIZER_FILES))
    except UserError as error:
        cached = try_to_load_from_cache(repo, "tokenizer_config.json", revision=revision or None)
        if isinstance(cached, str):
            return Path(cached).parent
        raise UserError(f"tokenizer: {place} is no folder here, and cannot be had from the hub: {error}") from error


def _repository(place: Path | str) -> str:
    name = str(place)
    if name.startswith(("/", ".", "~")) or name.count("/") != 1:
        raise UserError(f"{name}: no such folder, and no repository on the hub, which is called owner/name")
    return name


def _download(repo: str, revision: str | None, names: list[str]) -> Path:
    """Download by the revision's name, under which the cache then knows it, also without a network."""
    what = f"{repo} at {revision or 'main'}"
    return Path(hub.patiently(lambda: snapshot_download(repo, revision=revision, allow_patterns=names), what))


def _cached(repo: str, revision: str | None, error: UserError) -> tuple[Path, tuple[str, ...]]:
    """Return what the user's hub cache has of a repository that the hub does not give."""
    config = try_to_load_from_cache(repo, "config.json", revision=revision)
    if not isinstance(config, str):
        raise UserError(f"{error}; there is no folder {repo} here and nothing of it in the hub cache") from error
    return Path(config).parent, chosen_files(Path(config).parent)

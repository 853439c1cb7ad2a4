"""Calls to the hub: patient where waiting helps, one clear line where it does not."""

import hashlib
import logging
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    DisabledRepoError,
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    SafetensorsParsingError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from trajectories.errors import UserError
from trajectories.hub.files import ModelFile

logger = logging.getLogger(__name__)
T = TypeVar("T")
S = TypeVar("S")

Kind = Literal["model", "dataset"]

ATTEMPTS = 6
LONGEST_WAIT = 60.0  # seconds; a server that names a longer wait is believed up to MAX_RETRY_AFTER
MAX_RETRY_AFTER = 900.0
PARALLEL = 8
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSALS = (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError, EntryNotFoundError, DisabledRepoError)


class DamagedFileError(UserError):
    """A file on the hub whose contents are not what its name says, however often it is read."""


class NoRepositoryError(UserError):
    """A repository that is not there, or not for this user."""


def patiently(call: Callable[[], T], what: str) -> T:
    """Return `call()`, tried again after rate limits, server errors and broken connections.

    Waits as long as the server asks (Retry-After, RateLimit), else 1, 2, 4 … seconds with some jitter. Raises
    `UserError` with one line when it will not work: gated, missing, no network, or the same error `ATTEMPTS` times.
    `what` names the thing.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return call()
        except (*_REFUSALS, OfflineModeIsEnabled, HFValidationError) as error:
            kind = NoRepositoryError if type(error) is RepositoryNotFoundError else UserError
            raise kind(refusal(error, what)) from error
        except (HfHubHTTPError, httpx2.TransportError) as error:
            if attempt >= _attempts(error):
                raise UserError(refusal(error, what)) from error
            wait = waiting_time(error, attempt)
            logger.warning("%s: %s; trying again in %.0f s", what, short(error), wait)
            time.sleep(wait)
    raise AssertionError("unreachable")


def refusal(error: Exception, what: str) -> str:
    """Say in one line what the hub refused and what the user can do."""
    endpoint = constants.ENDPOINT
    if isinstance(error, GatedRepoError):
        return f"{what}: gated; accept its terms on {endpoint}, then log in with `hf auth login` or set HF_TOKEN"
    if isinstance(error, RevisionNotFoundError):
        return f"{what}: no such revision; refresh the audit with `snakemake audit --forcerun audit`"
    if isinstance(error, RepositoryNotFoundError):
        return f"{what}: no such repository on {endpoint}, or a private one; check its name, or log in: `hf auth login`"
    if isinstance(error, LocalEntryNotFoundError):  # how a whole snapshot says that nobody answers
        return f"{what}: no answer from {endpoint}, and not in the hub cache; check the network and run it again"
    if isinstance(error, EntryNotFoundError):
        return f"{what}: no such file there; refresh the audit with `snakemake audit --forcerun audit`"
    if isinstance(error, OfflineModeIsEnabled):
        return f"{what}: HF_HUB_OFFLINE is set, so the hub is not asked; unset it"
    if isinstance(error, HFValidationError):
        return f"{what}: not a repository name; give it as owner/name"
    if isinstance(error, httpx2.TransportError):
        return f"{what}: no answer from {endpoint} ({short(error)}); check the network and run the same command again"
    return f"{what}: {endpoint} says {short(error)}; run the same command again later"


def branches(repo: str) -> dict[str, str]:
    """Return every branch of a model repository with its commit, in one request."""
    refs = patiently(lambda: HfApi().list_repo_refs(repo), repo)
    return {branch.name: branch.target_commit for branch in refs.branches}


def resolve_commit(repo: str, revision: str, kind: Kind = "model") -> str:
    """Return the full commit id of a branch, a tag, or the beginning of a commit id.

    Raises `UserError` when there is no such revision, or the beginning fits several.
    """
    if re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    what = f"{repo} at {revision}"
    if not re.fullmatch(r"[0-9a-f]{7,39}", revision):
        return str(patiently(lambda: HfApi().repo_info(repo, revision=revision, repo_type=kind), what).sha)
    commits = patiently(lambda: HfApi().list_repo_commits(repo, repo_type=kind), what)
    matching = [str(commit.commit_id) for commit in commits if commit.commit_id.startswith(revision)]
    if len(matching) != 1:
        raise UserError(f"{what}: {len(matching)} commits begin like this; give the whole id")
    return matching[0]


def list_files(repo: str, commit: str, kind: Kind = "model", recursive: bool = False) -> tuple[ModelFile, ...]:
    """Return the files in a repository's top folder at one commit, with sizes and hashes; nothing is downloaded.

    With `recursive`, files in folders below are listed too.
    """
    listed = patiently(
        lambda: list(HfApi().list_repo_tree(repo, revision=commit, repo_type=kind, recursive=recursive)),
        f"{repo} at {commit[:12]}",
    )
    files = [entry for entry in listed if isinstance(entry, RepoFile)]
    return tuple(ModelFile(file.path, file.size, file_hash(file)) for file in files)


def file_hash(file: RepoFile) -> str:
    """Return a hub file's sha256, or `git:` and its blob id where it is not in the large-file store."""
    return file.lfs.sha256 if file.lfs else f"git:{file.blob_id}"


def blob_id(data: bytes) -> str:
    """Return the id git gives a file with these contents."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def small_file(repo: str, commit: str, file: ModelFile) -> bytes:
    """Return the contents of a small file, checked against its hash. Raises `UserError` when it stays wrong."""
    for _ in range(2):
        data = patiently(lambda: _get(repo, commit, file.name), f"{repo} at {commit[:12]}: {file.name}")
        if file.hash in (hashlib.sha256(data).hexdigest(), f"git:{blob_id(data)}"):
            return data
    raise UserError(f"{repo} at {commit[:12]}: {file.name} arrives damaged every time; check proxies on the way")


def shapes(repo: str, commit: str, name: str) -> dict[str, tuple[int, ...]]:
    """Return the tensor shapes of a safetensors file on the hub, from its first bytes.

    Raises `DamagedFileError` when these are not a safetensors header.
    """
    what = f"{repo} at {commit[:12]}: {name}"
    try:
        parsed = patiently(lambda: HfApi().parse_safetensors_file_metadata(repo, name, revision=commit), what)
    except SafetensorsParsingError as error:
        raise DamagedFileError(f"{name} has no safetensors header") from error
    return {tensor: tuple(info.shape) for tensor, info in parsed.tensors.items()}


def in_parallel(function: Callable[[S], T], items: Iterable[S]) -> list[T]:
    """Return `function` of every item, in order, a few at a time."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(function, items))


def _get(repo: str, commit: str, name: str) -> bytes:
    url = hf_hub_url(repo, name, revision=commit, endpoint=constants.ENDPOINT)
    response = get_session().get(url, headers=build_hf_headers(), timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT)
    hf_raise_for_status(response)
    return response.content


def _attempts(error: HfHubHTTPError | httpx2.TransportError) -> int:
    """How often to try: one failed connection may be chance, three in a row mean that there is no network."""
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        expired = status == 403 and bool(error.response.history)  # said by the storage, of an address of limited life
        return ATTEMPTS if status in _PASSING or expired else 1
    return 3 if isinstance(error, httpx2.ConnectError) else ATTEMPTS


def waiting_time(error: Exception, attempt: int) -> float:
    """Return how many seconds to wait: what the server asks for, else 1, 2, 4 … with some jitter."""
    response = getattr(error, "response", None)
    asked = asked_for(response.headers) if response is not None else None
    if asked is not None:
        return min(asked, MAX_RETRY_AFTER)
    return min(2.0 ** (attempt - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2)


def asked_for(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a refusal asks to wait: its Retry-After, or until the window of its RateLimit ends.

    The hub says the latter, as in `"api";r=0;t=55` (requests left, seconds to go); older drafts of the standard wrote
    `reset=55`, or a header RateLimit-Reset.
    """
    after = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", after):
        return float(after)
    with suppress(ValueError, TypeError):
        return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
    limits = headers.get("RateLimit", "")
    spent = [limit for limit in limits.split(",") if re.search(r"\br=0\b", limit)]
    ends = [float(seconds) for seconds in re.findall(r"\b(?:t|reset)=(\d+)", ",".join(spent) or limits)]
    if not ends and headers.get("RateLimit-Reset", "").isdigit():
        ends = [float(headers["RateLimit-Reset"])]
    return max(ends) + 1 if ends else None  # the window ends within the second


def short(error: Exception) -> str:
    """Return the gist of an error in a few words."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__

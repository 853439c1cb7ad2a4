"""The commits of a branch, and how many requests a piece of work made."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import quote

from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import build_hf_headers, get_session, paginate, parse_datetime

from trajectories.hub import client as hub

_NO_LIST = (401, 403, 404)  # answers of a hub that keeps the list to itself, though it shows the files


@dataclass(frozen=True)
class Commit:
    """One commit of a branch and when it was made."""

    id: str
    date: datetime

    def __str__(self) -> str:
        return f"commit {self.id[:12]} of {self.date:%Y-%m-%d}"


def history(repo: str, revision: str, most: int) -> list[Commit]:
    """Return the newest `most` commits of a revision, the newest first; pages are read as far as needed.

    Empty where the hub gives no list. Raises `UserError` when it cannot be reached.
    """
    return hub.patiently(lambda: _history(repo, revision, most), f"{repo}: commits of {revision}")


def _history(repo: str, revision: str, most: int) -> list[Commit]:
    url = f"{constants.ENDPOINT}/api/models/{repo}/commits/{quote(revision, safe='')}"
    try:
        listed = list(islice(paginate(url, params={}, headers=build_hf_headers()), most))
    except HfHubHTTPError as error:
        if error.response.status_code in _NO_LIST:
            return []
        raise
    return [Commit(str(item["id"]), parse_datetime(item["date"])) for item in listed]


class Count:
    """How many requests have been made."""

    def __init__(self) -> None:
        self.requests = 0
        self._lock = threading.Lock()

    def add(self, _request: object) -> None:
        """Count one request."""
        with self._lock:
            self.requests += 1


@contextmanager
def counted() -> Iterator[Count]:
    """Count the requests to the hub inside the block: every page, redirect and repetition."""
    session: Any = get_session()
    before, count = session.event_hooks, Count()
    session.event_hooks = {**before, "request": [*before.get("request", []), count.add]}
    try:
        yield count
    finally:
        session.event_hooks = before

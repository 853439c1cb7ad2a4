"""A hub on loopback: enough of its HTTP interface for huggingface_hub's and datasets' real clients, and its bad days.

Repositories live in memory: a commit is a mapping from path to bytes. Files with the endings of `LARGE`, or above
1 MB, are served as large files are: their sha256 in the listings, and a redirect to a storage address that expires.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

LARGE = (".safetensors", ".bin", ".parquet", ".zip")
PAGE = 50  # entries of one page of a file listing
_API = re.compile(
    r"/api/(models|datasets)/([^/]+/[^/]+?)(?:/(refs|revision|tree|paths-info|commits)(?:/([^/]+)(?:/(.*))?)?)?"
)
_RESOLVE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


@dataclass
class Fault:
    """A bad answer to the next `times` requests whose method and path match.

    `kind` is an HTTP status, or `cut` (half of the body, then a closed connection), `flip` (one wrong byte) or
    `stall` (nothing until the connection is closed).
    """

    pattern: str
    kind: int | str
    times: int = 1
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Repo:
    """One repository: its branches, its commits, each branch's past (newest first), whether it is gated."""

    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    past: dict[str, list[str]] = field(default_factory=dict)
    dates: dict[str, str] = field(default_factory=dict)
    gated: bool = False


@dataclass(frozen=True)
class Seen:
    """One request as it came in: seconds since the hub started, method, path with query, two of its headers."""

    at: float
    method: str
    path: str
    range: str | None
    authorization: str | None


class LocalHub:
    """The hub's contents, its faults, and the log of what was asked."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.delay = 0.0  # seconds before each piece of a large file, to make downloads last
        self.started = time.monotonic()
        self.lock = threading.Lock()
        self.url = ""
        self.storage_url = ""

    def commit(
        self, repo: str, branch: str, files: Mapping[str, bytes] | Path, kind: str = "models", date: str = "2024-01-01"
    ) -> str:
        """Put `files` (or the files of a folder) on a branch; return the commit's id."""
        contents = _folder_contents(files) if isinstance(files, Path) else dict(files)
        kept = self.repos.setdefault((kind, repo), Repo())
        identity = [repo, branch, *((path, _sha256(data)) for path, data in sorted(contents.items()))]
        commit = hashlib.sha1(repr(identity).encode()).hexdigest()
        kept.commits[commit] = contents
        kept.branches[branch] = commit
        kept.past[branch] = [commit, *(known for known in kept.past.get(branch, []) if known != commit)]
        kept.dates[commit] = f"{date}T00:00:00.000Z"
        self.blobs |= {_sha256(data): data for data in contents.values()}
        return commit

    def branch_off(self, repo: str, branch: str, source: str = "main") -> None:
        """Start a branch where another one is, with its past."""
        kept = self.repos["models", repo]
        kept.branches[branch], kept.past[branch] = kept.branches[source], list(kept.past[source])

    def drop_branch(self, repo: str, branch: str) -> None:
        """Take a branch away; its commit stays reachable by id."""
        del self.repos["models", repo].branches[branch]

    def fail(self, pattern: str, kind: int | str, times: int = 1, method: str = "GET", **headers: str) -> None:
        """Answer the next `times` requests that match with a fault; `Retry_After="1"` sets a header."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.faults.append(Fault(pattern, kind, times, method, named))

    def take_fault(self, method: str, path: str) -> Fault | None:
        """Return the fault this request meets, if any, and count it off."""
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.method == method and re.search(fault.pattern, path):
                    fault.times -= 1
                    return fault
        return None

    def requests(self, pattern: str, method: str = "GET") -> list[Seen]:
        """Return the requests seen so far that match."""
        return [seen for seen in self.seen if seen.method == method and re.search(pattern, seen.path)]


@contextmanager
def serve() -> Iterator[LocalHub]:
    """Run a hub, and the storage host it redirects to, on two free ports of the loopback interface."""
    hub = LocalHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with _running(handler) as hub.url, _running(handler) as hub.storage_url:
        yield hub


@contextmanager
def _running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: LocalHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        return

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer("POST")

    def _answer(self, method: str) -> None:
        hub = self.hub
        named = (self.headers.get("Range"), self.headers.get("Authorization"))
        hub.seen.append(Seen(time.monotonic() - hub.started, method, self.path, *named))
        self.fault = hub.take_fault(method, self.path)
        if self.fault and isinstance(self.fault.kind, int):
            return self._send(self.fault.kind, b"{}", dict(self.fault.headers))
        if self.fault and self.fault.kind == "stall":
            self.close_connection = True
            return None
        url = urlsplit(self.path)
        path = unquote(url.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if path == "/api/models":
            owned = [name for kind, name in hub.repos if kind == "models" and name.startswith(f"{query['author']}/")]
            return self._json([{"id": name, "modelId": name, "tags": [], "downloads": 0} for name in owned])
        if path.startswith("/storage/"):
            return self._storage(path.removeprefix("/storage/"), query)
        if match := _RESOLVE.fullmatch(path):
            dataset, repo, revision, name = match.groups()
            return self._resolve("datasets" if dataset else "models", repo, revision, name)
        if match := _API.fullmatch(path):
            return self._api(*match.groups(), query=query)
        return self._error(404, "EntryNotFound")

    def _api(self, kind: str, repo: str, what: str | None, rev: str | None, sub: str | None, query: dict) -> None:
        kept = self._repo(kind, repo)
        if kept is None:
            return None
        if what == "refs":
            return self._json({"branches": _refs(kept), "converts": [], "tags": []})
        commit = _resolved(kept, rev or "main")
        if commit is None:
            return self._error(404, "RevisionNotFound")
        files = kept.commits[commit]
        if what == "tree":
            return self._pages(_entries(files, sub or "", query.get("recursive", "").lower() == "true"), query)
        if what == "commits":
            past = kept.past.get(rev or "") or next((past for past in kept.past.values() if commit in past), [])
            return self._pages([_commit_entry(known, kept.dates[known]) for known in past], query)
        if what == "paths-info":
            return self._json(_paths_info(files, self.body, self.headers.get("Content-Type", "")))
        blobs = query.get("blobs", "").lower() == "true"
        return self._json({"id": repo, "sha": commit, "private": False, "gated": kept.gated, "tags": [],
                           "downloads": 0, "siblings": _siblings(files, blobs)})  # fmt: skip

    def _pages(self, entries: list[dict[str, Any]], query: dict[str, str]) -> None:
        start = int(query.get("cursor", 0))
        headers = {}
        if len(entries) > start + PAGE:
            base = re.sub(r"[?&]cursor=\d+", "", self.path)
            more = f"{base}{'&' if '?' in base else '?'}cursor={start + PAGE}"
            headers["Link"] = f'<{self.hub.url}{more}>; rel="next"'
        self._json(entries[start : start + PAGE], headers)

    def _resolve(self, kind: str, repo: str, revision: str, name: str) -> None:
        kept = self._repo(kind, repo)
        if kept is None:
            return None
        commit = _resolved(kept, revision)
        if commit is None:
            return self._error(404, "RevisionNotFound")
        if name not in kept.commits[commit]:
            return self._error(404, "EntryNotFound", {"X-Repo-Commit": commit})
        data, headers = kept.commits[commit][name], {"X-Repo-Commit": commit}
        if not _is_large(name, data):
            return self._bytes(data, headers | {"ETag": f'"{_blob_id(data)}"'})
        sha = _sha256(data)
        headers |= {"X-Linked-Etag": f'"{sha}"', "X-Linked-Size": str(len(data)), "ETag": f'"{sha}"'}
        expires = time.monotonic() + 60
        location = f"{self.hub.storage_url}/storage/{sha}?expires={expires}&name={quote(name, safe='')}"
        return self._send(302, b"", headers | {"Location": location})

    def _storage(self, sha: str, query: dict[str, str]) -> None:
        if float(query.get("expires", 0)) < time.monotonic():
            return self._send(403, b"<Error>Request has expired</Error>", {})
        return self._bytes(self.hub.blobs[sha], {"ETag": f'"{sha}"'})

    def _bytes(self, data: bytes, headers: dict[str, str]) -> None:
        if self.fault and self.fault.kind == "flip":
            data = bytes([data[0] ^ 1]) + data[1:] if len(data) < 2 else data[:-1] + bytes([data[-1] ^ 1])
        status, wanted = 200, self.headers.get("Range")
        if wanted and (match := re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)):
            first, last = int(match.group(1)), min(int(match.group(2) or len(data) - 1), len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            status, data = 206, data[first : last + 1]
        self._send(status, data, headers | {"Accept-Ranges": "bytes"})

    def _repo(self, kind: str, repo: str) -> Repo | None:
        kept = self.hub.repos.get((kind, repo))
        if kept is None:
            self._error(401, "RepoNotFound")
        elif kept.gated and "Authorization" not in self.headers:
            self._error(403, "GatedRepo")
            return None
        return kept

    def _json(self, value: Any, headers: Mapping[str, str] | None = None) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _error(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": code, **(headers or {})})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        cut = self.fault is not None and self.fault.kind == "cut"
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            self._write(body[: len(body) // 2] if cut else body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        if cut:
            self.close_connection = True

    def _write(self, body: bytes) -> None:
        pieces = max(1, len(body) // 8) if self.hub.delay and len(body) > 4096 else max(1, len(body))
        for start in range(0, len(body), pieces):
            if pieces < len(body):
                time.sleep(self.hub.delay)
            self.wfile.write(body[start : start + pieces])
        self.wfile.flush()


def _folder_contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _is_large(name: str, data: bytes) -> bool:
    return name.endswith(LARGE) or len(data) > 1_000_000


def _resolved(repo: Repo, revision: str) -> str | None:
    return repo.branches.get(revision) or (revision if revision in repo.commits else None)


def _refs(repo: Repo) -> list[dict[str, str]]:
    return [
        {"name": name, "ref": f"refs/heads/{name}", "targetCommit": commit} for name, commit in repo.branches.items()
    ]


def _commit_entry(commit: str, date: str) -> dict[str, Any]:
    return {"id": commit, "title": "", "message": "", "date": date, "authors": []}


def _lfs(data: bytes, key: str) -> dict[str, Any]:
    return {key: _sha256(data), "size": len(data), "pointerSize": 134}


def _entry(path: str, data: bytes) -> dict[str, Any]:
    entry = {"type": "file", "oid": _blob_id(data), "size": len(data), "path": path}
    return entry | ({"lfs": _lfs(data, "oid")} if _is_large(path, data) else {})


def _entries(files: Mapping[str, bytes], folder: str, recursive: bool) -> list[dict[str, Any]]:
    start = f"{folder}/" if folder else ""
    inside = {path: data for path, data in files.items() if path.startswith(start)}
    folders = {start + path[len(start) :].split("/")[0] for path in inside if "/" in path[len(start) :]}
    listed = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": path} for path in sorted(folders)]
    return listed + [_entry(path, data) for path, data in inside.items() if recursive or "/" not in path[len(start) :]]


def _paths_info(files: Mapping[str, bytes], body: bytes, content_type: str) -> list[dict[str, Any]]:
    asked = json.loads(body) if "json" in content_type else parse_qs(body.decode())
    paths = asked["paths"] if isinstance(asked["paths"], list) else [asked["paths"]]
    found = [_entry(path, files[path]) for path in paths if path in files]
    folders = [path for path in paths if path not in files and any(name.startswith(f"{path}/") for name in files)]
    return found + [{"type": "directory", "oid": "0" * 40, "size": 0, "path": path} for path in folders]


def _siblings(files: Mapping[str, bytes], blobs: bool) -> list[dict[str, Any]]:
    if not blobs:
        return [{"rfilename": path} for path in files]
    return [
        {"rfilename": path, "size": len(data), "blobId": _blob_id(data)}
        | ({"lfs": _lfs(data, "sha256")} if _is_large(path, data) else {})
        for path, data in files.items()
    ]

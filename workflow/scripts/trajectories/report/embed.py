"""Putting things inside one HTML file: data, images, libraries, and the policy that lets nothing else in."""

import base64
import hashlib
import json
import mimetypes
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def safe_json(value: Any) -> str:
    """Return JSON that cannot end the `<script>` it stands in: no `<`, `>` or `&`, only their escapes.

    Raises ValueError for NaN and infinity, which JSON has no word for.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, escape in _UNSAFE.items():
        text = text.replace(character, escape)
    return text


def data_url(path: Path | str) -> str:
    """Return a file as a `data:` URL."""
    kind = mimetypes.guess_type(str(path))[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(Path(path).read_bytes()).decode()}"


def plotly_script() -> str:
    """Return plotly.js, minified, as it comes with the pinned Python package."""
    from plotly.offline import get_plotlyjs  # heavy: only pages need it

    return str(get_plotlyjs())


def page_file(name: str) -> str:
    """Return one of the files beside this module's `page` folder: the template, the style sheet, the script."""
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")


def security_policy(scripts: Iterable[str]) -> str:
    """Return a content security policy: no request to anywhere, and only `scripts`, known by hash, may run."""
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()

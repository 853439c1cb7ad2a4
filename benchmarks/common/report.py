"""Results as a dated JSON file and a Markdown table beside it."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "results"


def today() -> str:
    """Return the date in UTC, as file names hold it."""
    return datetime.now(UTC).date().isoformat()


def write_results(name: str, results: Mapping[str, Any], text: str, folder: Path = RESULTS) -> None:
    """Write `<name>-<date>.json` and `.md`."""
    from trajectories.files import write_text

    stem = f"{name}-{today()}"
    write_text(folder / f"{stem}.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / f"{stem}.md", text)
    print(text)
    print(f"written: {folder / stem}.json and .md")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; numbers to the right."""
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join([":--"] + ["--:"] * (len(header) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])

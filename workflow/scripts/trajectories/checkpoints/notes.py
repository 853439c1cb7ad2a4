"""What the audit found, in words: for messages, footnotes and the report."""

from collections.abc import Iterable

import pandas as pd


def anomaly_lines(wrong: pd.DataFrame) -> list[str]:
    """Return an indented line per model and shared file: which steps, and what is wrong with them."""
    keyed = wrong.assign(kind=wrong["status"].str.replace(r"-of-.*", "", regex=True), shared=wrong["shared"].fillna(""))
    return [
        f"  {model}: {_steps(part['step'])}: {_what(part)}"
        for (model, _status, _shared), part in keyed.groupby(["model", "kind", "shared"], sort=False)
    ]


def anomaly_footnotes(table: pd.DataFrame) -> list[str]:
    """Return a sentence per group of anomalous checkpoints and whether they were left out or kept."""
    wrong = table[table["status"] != "ok"]
    return [
        f"{'kept' if used else 'left out'}: {line.strip()}"
        for used, part in wrong.groupby("used", sort=False)
        for line in anomaly_lines(part)
    ]


def anomaly_note(table: pd.DataFrame) -> str:
    """Return the footnote that every table of a study carries: which checkpoints were left out or kept, and why.

    Empty where the audit found nothing wrong.
    """
    wrong = table[table["status"] != "ok"]
    said = []
    for word, part in (("Left out", wrong[~wrong["used"].astype(bool)]), ("Kept", wrong[wrong["used"].astype(bool)])):
        groups = part.groupby(["model", "status"], sort=False)
        named = [f"{model} {_steps(rows['step'])} ({status})" for (model, status), rows in groups]
        said += [f"{word} after the audit: {'; '.join(named)}."] if named else []
    return " ".join(said)


def _what(part: pd.DataFrame) -> str:
    statuses, details = part["status"].unique(), part["detail"].unique()
    if len(statuses) == 1 and len(details) == 1:
        return f"{statuses[0]} ({details[0]})"
    return f"{', '.join(_short(statuses))} ({details[0]})"


def _short(values: Iterable[object], limit: int = 3) -> list[str]:
    named = list(map(str, values))
    return named if len(named) <= limit else [*named[:limit], f"and {len(named) - limit} more"]


def _steps(steps: Iterable[object]) -> str:
    named = list(map(str, steps))
    return f"step{'s' if len(named) > 1 else ''} {', '.join(_short(named, 12))}"

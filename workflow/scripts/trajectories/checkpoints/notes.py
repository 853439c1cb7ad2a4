"""What the audit found, in words: for messages, footnotes and the report."""

from collections.abc import Iterable

import pandas as pd

SOUND = ("ok", "recovered")


def anomalous(table: pd.DataFrame) -> pd.DataFrame:
    """Return the checkpoints that are not what their names say and for which nothing better was found."""
    return table[~table["status"].astype(str).isin(SOUND)]


def anomaly_lines(wrong: pd.DataFrame) -> list[str]:
    """Return an indented line per model and shared file: which steps, and what is wrong with them."""
    keyed = wrong.assign(kind=wrong["status"].str.replace(r"-of-.*", "", regex=True), shared=wrong["shared"].fillna(""))
    return [
        f"  {model}: {_steps(part['step'])}: {_what(part)}"
        for (model, _status, _shared), part in keyed.groupby(["model", "kind", "shared"], sort=False)
    ]


def anomaly_footnotes(table: pd.DataFrame) -> list[str]:
    """Return a sentence per group of anomalous checkpoints and whether they were left out or kept."""
    left = [
        f"{'kept' if used else 'left out'}: {line.strip()}"
        for used, part in anomalous(table).groupby("used", sort=False)
        for line in anomaly_lines(part)
    ]
    return [*(f"recovered: {line}" for line in _recovered(table)), *left]


def flagged_checkpoints(consistency: pd.DataFrame) -> frozenset[tuple[str, int]]:
    """Return the (model, step) whose scores are not in the order of the steps, from `consistency.tsv`."""
    flagged = consistency[consistency["flag"] != ""]
    return frozenset((str(model), int(step)) for model, step in zip(flagged["model"], flagged["step"], strict=True))


def order_note(consistency: pd.DataFrame) -> str:
    """Return the footnote on checkpoints whose scores are not those of their steps; empty where there are none."""
    flagged = consistency[consistency["flag"] != ""]
    groups = flagged.groupby(["model", "flag"], sort=False)
    named = [f"{model} {_steps(part['step'])} ({flag})" for (model, flag), part in groups]
    return f"Scores unlike their steps': {'; '.join(named)}." if named else ""


def anomaly_note(table: pd.DataFrame) -> str:
    """Return the footnote that every table of a study carries: which checkpoints were left out or kept, and why.

    Empty where the audit found nothing wrong.
    """
    wrong = anomalous(table)
    recovered = _recovered(table)
    said = [f"Recovered by the audit: {'; '.join(recovered)}."] if recovered else []
    for word, part in (("Left out", wrong[~wrong["used"].astype(bool)]), ("Kept", wrong[wrong["used"].astype(bool)])):
        groups = part.groupby(["model", "status"], sort=False)
        named = [f"{model} {_steps(rows['step'])} ({status})" for (model, status), rows in groups]
        said += [f"{word} after the audit: {'; '.join(named)}."] if named else []
    return " ".join(said)


def _recovered(table: pd.DataFrame) -> list[str]:
    """Return per model and kind of place which steps were recovered, and from where."""
    found = table[table["status"].astype(str) == "recovered"]
    taken = found["detail"].astype(str).str.split(";").str[0].str.removeprefix("recovered from ")
    kinds = taken.str.replace(r"^an earlier commit .*", "earlier commits of their branches", regex=True)
    kinds = kinds.str.replace(r"^\S+ of the mirror (\S+), .*", r"the mirror \1", regex=True)
    return [
        f"{model} {_steps(part['step'])} (from {kind})"
        for (model, kind), part in found.assign(kind=kinds).groupby(["model", "kind"], sort=False)
    ]


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

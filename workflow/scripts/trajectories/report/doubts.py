"""What scores say of the checkpoints themselves: the sentences that stand beside the findings."""

import pandas as pd

from trajectories.analysis.consistency import stray_lines
from trajectories.report.findings import Finding


def doubts(consistency: pd.DataFrame | None, twins: pd.DataFrame | None) -> tuple[Finding, ...]:
    """Return which checkpoints' scores are not those of their steps, and which models are one; empty where none are."""
    strays = stray_lines(consistency) if consistency is not None else []
    pairs = [] if twins is None else [f"{a} and {b}" for a, b in zip(twins["model_a"], twins["model_b"], strict=True)]
    found = (
        Finding("Doubtful checkpoints", f"{'. '.join(strays)}.", "worse") if strays else None,
        Finding("Doubtful models", f"Nearer to each other than neighbouring steps: {'; '.join(pairs)}.", "worse")
        if pairs
        else None,
    )
    return tuple(finding for finding in found if finding is not None)

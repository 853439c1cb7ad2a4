"""What the README says the demo finds, read from its tables."""

from pathlib import Path

import pandas as pd

ORDINARY = {"pocket_village_facts", "pocket_sums", "pocket_pattern_completion"}


def assert_inverse_scaling_was_found(project: Path) -> None:
    """Check that habits that mislead grow with training, that ordinary tasks get better, and never the other way."""
    regression = pd.read_csv(project / "results" / "demo" / "regression.tsv", sep="\t")
    terms = regression[regression["term"] == "tokens"].set_index("task")
    certain = terms[terms["p_fdr"] < 0.05]
    falling = set(certain.index[certain["beta"] < 0])
    rising = set(certain.index[certain["beta"] > 0])
    assert {"pocket_memo_trap", "pocket_pattern_match_suppression"} <= falling
    assert not falling & ORDINARY
    assert rising <= ORDINARY
    assert rising

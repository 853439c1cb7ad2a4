"""The words of the verdicts: of one check against Table 1, and of a cell after all of them.

The rule for a cell was fixed by the table of error rates in `docs/statistics.md`: it
rests on the four tests in `RULE`, each of which rejects a true null in about 5 % of simulated studies, with serial
dependence, with levels and slopes of sizes' own, and with several runs per size. The other checks stand beside it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from trajectories.analysis.shuffles import smallest_p
from trajectories.analysis.terms import TERMS

RULE = ("cr2", "mixed", "wild_bootstrap", "permutation")
"""The tests a cell's verdict rests on."""

CONSTANT = "constant answers"
"""The verdict on a cell whose checkpoints do not answer, and how the note on such a task begins."""

FEWEST_TESTS = 2
"""With fewer tests of the rule that can tell, nothing is said."""

VERDICTS = ("reversed", "lost", "appears", "cannot tell", "holds", "nowhere significant")
"""Of one check, from worst to best."""

LARGE = 2.0
"""An effect of this many standard deviations between sizes is large: it has the same sign in 98 % of them."""


def verdict(paper: Mapping[str, Any], row: Mapping[str, Any], alpha: float, can_tell: bool = True) -> str:
    """Compare one test with the paper's: one of `VERDICTS`, or empty where either has no p-value.

    A cell that is significant in Table 1 and not here is `lost` if the check would see a large effect, else
    `cannot tell`.
    """
    if np.isnan(paper["p_fdr"]) or np.isnan(row["p_fdr"]):
        return ""
    if paper["p_fdr"] >= alpha:
        return "appears" if row["p_fdr"] < alpha else "nowhere significant"
    if row["p_fdr"] >= alpha:
        return "lost" if can_tell else "cannot tell"
    return "holds" if paper["beta"] * row["beta"] > 0 else "reversed"


def can_tell(check: str, term: str, sizes: int, df: float, level: float) -> bool:
    """Say whether the check, with so many sizes, would more likely than not find a `LARGE` effect at p < `level`.

    `df` are its degrees of freedom, where it has any. Checks that do not go by size can always tell.
    """
    if check == "permutation":
        return smallest_p(sizes)[TERMS.index(term)] <= level
    if check not in ("cluster", "items", *RULE):
        return True
    degrees = df if np.isfinite(df) else sizes - 2.0
    from scipy import stats  # not needed by who reads verdicts

    critical = stats.t.isf(level / 2, degrees)
    return bool(stats.nct.sf(critical, degrees, LARGE * np.sqrt(sizes)) >= 0.5)


def level_of(p_fdr: np.ndarray, alpha: float) -> float:
    """Return the p one more test of a check needs to be significant after correction, given those that are.

    Benjamini and Hochberg: alpha (k + 1) / m with k of m significant.
    """
    known = p_fdr[np.isfinite(p_fdr)]
    found = int(np.sum(known < alpha))
    return alpha * min(found + 1, len(known)) / max(len(known), 1)


def cell_verdict(significant: bool, verdicts: Mapping[str, str], premise: str = "") -> str:
    """Return the verdict on a cell from those of the tests in `RULE` (`NA` where there is none).

    `constant answers` where that is its `premise`; `holds` where all tests that can tell hold, and at least
    `FEWEST_TESTS` can; `lost` or `reversed` where one does so; `cannot tell` where too few can. A cell that is not
    significant in Table 1 `appears` where all of these tests find it, else it is `not significant`.
    """
    told = [verdicts[check] for check in RULE if verdicts[check] not in ("NA", "", "cannot tell")]
    if premise == CONSTANT:
        return premise
    if not significant:
        everywhere = len(told) >= FEWEST_TESTS and set(told) == {"appears"}
        return "appears" if everywhere else "not significant"
    for worst in ("reversed", "lost"):
        if worst in told:
            return worst
    return "holds" if len(told) >= FEWEST_TESTS else "cannot tell"

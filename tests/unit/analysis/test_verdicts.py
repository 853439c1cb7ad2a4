"""What the verdicts say, and when they say that nothing can be said."""

import numpy as np

from trajectories.analysis.verdicts import RULE, can_tell, cell_verdict, level_of, verdict


def of(before: float, after: float, sign: float = 1.0, able: bool = True) -> str:
    return verdict({"p_fdr": before, "beta": 1.0}, {"p_fdr": after, "beta": sign}, 0.05, able)


def test_one_check() -> None:
    assert [of(0.01, 0.01), of(0.01, 0.2), of(0.2, 0.01)] == ["holds", "lost", "appears"]
    assert of(0.2, 0.9) == "nowhere significant"
    assert [of(0.01, 0.01, -1.0), of(0.01, np.nan)] == ["reversed", ""]
    assert [of(0.01, 0.2, able=False), of(0.01, 0.01, able=False)] == ["cannot tell", "holds"]


def test_a_check_without_power_cannot_tell() -> None:
    assert can_tell("cr2", "tokens", 8, 7.0, 0.01)
    assert not can_tell("cr2", "tokens", 4, 3.0, 0.002)
    assert not can_tell("wild_bootstrap", "tokens", 4, np.nan, 0.05 / 3)
    assert not can_tell("permutation", "tokens", 8, np.nan, 0.005)  # 2^8 turns: no p below 0.0078
    assert can_tell("permutation", "parameters", 8, np.nan, 0.005)
    assert not can_tell("items", "tokens", 4, 2.0, 0.0167)
    assert can_tell("logit", "tokens", 2, 60.0, 1e-9)


def test_the_level_a_check_asks_for_grows_with_what_it_finds() -> None:
    assert level_of(np.array([0.01, 0.2, 0.3, np.nan]), 0.05) == 0.05 * 2 / 3
    assert level_of(np.array([0.01, 0.02]), 0.05) == 0.05
    assert level_of(np.array([]), 0.05) == 0.0


def test_the_rule() -> None:
    def rule(*words: str, significant: bool = True, premise: str = "") -> str:
        return cell_verdict(significant, dict(zip(RULE, words, strict=True)), premise)

    assert rule("holds", "holds", "holds", "holds") == "holds"
    assert rule("holds", "holds", "NA", "cannot tell") == "holds"
    assert rule("holds", "lost", "holds", "holds") == "lost"
    assert rule("holds", "NA", "NA", "cannot tell") == "cannot tell"
    assert rule("reversed", "lost", "holds", "holds") == "reversed"
    null = ["nowhere significant"] * 3
    assert rule(*null, "appears", significant=False) == "not significant"
    assert rule(*["appears"] * 4, significant=False) == "appears"
    assert rule("holds", "holds", "holds", "holds", premise="constant answers") == "constant answers"

"""The study in words: each clause follows from a verdict, an outcome or a premise, and none says more."""

import numpy as np
import pandas as pd
import pytest

from trajectories.analysis.verdicts import RULE, cell_verdict
from trajectories.report.findings import Finding, findings
from trajectories.report.outcomes import outcomes_grid
from trajectories.tables import COLUMNS

TERMS = ("parameters", "tokens", "interaction")
CHECKS = COLUMNS["survival"][7:-2]


def tables(
    beta: tuple[float, float, float],
    p: tuple[float, float, float],
    rule: dict[str, dict[str, str]] | None = None,
    metric: str = "accuracy",
    outcomes: tuple[str, str, str] = ("undecided",) * 3,
    **premise: object,
) -> dict[str, pd.DataFrame]:
    """A study of one task: per term a coefficient, a corrected p, and verdicts of checks that differ from `holds`."""
    rows = []
    for term, b, q in zip(TERMS, beta, p, strict=True):
        usual = "holds" if q < 0.05 else "nowhere significant"
        checks = dict.fromkeys(CHECKS, usual) | (rule or {}).get(term, {})
        told = [word for word in checks.values() if word not in ("NA", "cannot tell")]
        held = sum(word in ("holds", "nowhere significant") for word in told)
        verdict = cell_verdict(q < 0.05, checks)
        cell = {"task": "t", "metric": metric, "term": term, "beta": b, "t": b, "p_fdr": q, "verdict": verdict}
        rows.append(cell | checks | {"checked": len(told), "held": held})
    survival = pd.DataFrame(rows)
    effects = survival[["task", "metric", "term"]].assign(
        outcome=["effect" if v == "holds" else o for v, o in zip(survival["verdict"], outcomes, strict=True)],
        effect=[-0.05, 0.002, np.nan], low=[-0.06, -0.001, np.nan], high=[-0.04, 0.005, np.nan],
    )  # fmt: skip
    usual = {"task": "t", "points": 64, "constant": 0, "constant_by": "", "below_chance": 0.0, "plane": "fits"}
    premises = pd.DataFrame([usual | premise])
    return {"regression": survival, "survival": survival, "effects": effects, "premises": premises}


def said(*args: object, sizes: int = 8, **more: object) -> Finding:
    (found,) = findings(tables(*args, **more), {"t": "Task"}, 0.05, sizes)  # type: ignore[arg-type]
    return found


def test_what_holds_everywhere() -> None:
    found = said((-1, -1, -1), (0.001, 0.001, 0.001))
    assert found.text.startswith("Falls with training, faster in larger models and is lower in larger models: holds in")
    assert found.style == "worse"
    assert said((1, 1, -1), (0.001, 0.001, 0.001)).text.startswith("Rises with training, more slowly in larger models")
    assert said((1, 1, 1), (0.001, 0.001, 0.001), metric="loss").text.startswith("Gets worse with training, faster")


def test_what_does_not_survive_is_said_with_what_kills_it() -> None:
    lost = dict.fromkeys(RULE, "lost")
    found = said((-1, -1, -1), (0.2, 0.001, 0.001), {"interaction": lost})
    assert found.text.startswith("Falls with training: holds in all")
    assert "that it falls faster in larger models holds only if checkpoints are independent" in found.text
    one = said((-1, -1, -1), (0.2, 0.2, 0.001), {"interaction": {"cr2": "lost", "mixed": "lost"}})
    assert one.text.startswith(
        "That training helps larger models less or hurts them more does not survive CR2 errors and the mixed model"
    )
    assert one.style == ""


def test_a_check_outside_the_rule_is_named() -> None:
    found = said((1, -1, 1), (0.9, 0.001, 0.9), {"tokens": {"leave_step_out": "lost", "logit": "lost"}})
    assert found.text.startswith("Falls with training: holds, but not under leaving a step out and the logit")


def test_nulls_are_excluded_or_undecided() -> None:
    excluded = "no effect beyond ±2 points"
    found = said((1, -1, 1), (0.9, 0.9, 0.9), outcomes=(excluded, excluded, "undecided"))
    assert found.text == (
        "No effect of training and size beyond ±2 points; undecided: the effect of the interaction of both."
    )


def test_premises_come_into_the_sentence() -> None:
    found = said((1, 1, 1), (0.9, 0.001, 0.9), plane="bent", below_chance=12.0)
    assert "its curves are bent, so a plane does not describe them" in found.text
    assert found.text.endswith("12 of 64 checkpoints lie below chance.")


def test_of_constant_answers_nothing_is_claimed() -> None:
    made = tables((-1, -1, -1), (0.001, 0.001, 0.001), constant=40, constant_by="answers")
    made["survival"]["verdict"] = "constant answers"
    (found,) = findings(made, {}, 0.05, 8)
    assert found.text.startswith("40 of 64 checkpoints give the same answer to everything")
    assert found.style == ""


def test_few_sizes_say_nothing_about_size() -> None:
    unable = dict.fromkeys(RULE, "NA")
    found = said((1, 1, 1), (0.001, 0.001, 0.9), {"parameters": unable, "tokens": unable}, sizes=2)
    assert found.text.startswith("The effects of training and size are significant in Table 1, but 2 sizes cannot tell")
    assert "higher in larger models" not in found.text


@pytest.mark.parametrize("sizes", [2, 8])
def test_table_1_alone_is_called_so(sizes: int) -> None:
    made = {"regression": tables((1, -1, 1), (0.001, 0.001, 0.9))["regression"]}
    (found,) = findings(made, {}, 0.05, sizes)
    assert "in Table 1, which no check has been asked about" in found.text
    assert ("higher in larger models" in found.text) == (sizes > 3)
    assert findings({}, {}, 0.05, sizes) == ()


def test_three_outcomes_have_three_colours() -> None:
    excluded = "no effect beyond ±2 points"
    made = tables((-1, 1, 1), (0.001, 0.9, 0.9), outcomes=("undecided", excluded, "undecided"))["effects"]
    (row,) = outcomes_grid(made, {"t": "Task"}).rows
    assert [cell.style for cell in row] == ["", "effect", "excluded", ""]
    assert row[1].text == "\u22125.0 [\u22126.0, \u22124.0]"

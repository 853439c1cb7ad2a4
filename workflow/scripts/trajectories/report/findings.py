"""The study in words, a sentence per task: what survives, what it does not survive, and what is not known.

Every clause is made from a verdict (`survival`), an outcome (`effects`) or a premise (`premises`) of the tables, so no
sentence claims more than they do. Without those tables Table 1 is all there is, and the sentence says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trajectories.analysis.lines import FEWEST_SIZES
from trajectories.analysis.points import records
from trajectories.analysis.terms import TERMS
from trajectories.analysis.verdicts import CONSTANT, RULE
from trajectories.study.metrics import record_of, sign_of

Record = Mapping[str, Any]
Tables = Mapping[str, pd.DataFrame]

NAMES: Mapping[str, str] = {
    "cr2": "CR2 errors", "mixed": "the mixed model", "wild_bootstrap": "the wild bootstrap",
    "permutation": "the permutation", "hc3": "HC3 errors", "cluster": "clustered errors",
    "leave_size_out": "leaving a size out", "leave_step_out": "leaving a step out",
    "exact_parameters": "exact sizes", "body_parameters": "sizes without embeddings", "logit": "the logit",
    "loss": "the loss", "margin": "the margin", "items": "the item-level model",
    "without_constant": "leaving constant answers out",
}  # fmt: skip
"""How sentences call the checks of `survival.tsv`."""

SUBJECTS = {"parameters": "size", "tokens": "training", "interaction": "the interaction of both"}
"""What an effect is an effect of."""


@dataclass(frozen=True)
class Finding:
    """One task's sentence; `style` is better, worse or empty: which way what survives of training goes."""

    task: str
    text: str
    style: str = ""


def findings(tables: Tables, labels: Mapping[str, str], alpha: float, sizes: int) -> tuple[Finding, ...]:
    """Return a sentence for each task of `regression` that has a fit, in its order; `sizes` is how many there are."""
    if "regression" not in tables:
        return ()
    fitted = tables["regression"][tables["regression"]["p_fdr"].notna()]
    made = []
    for task, rows in fitted.groupby("task", sort=False):
        terms = {str(row["term"]): row for row in records(rows)}
        cells = _of_task(tables, "survival", str(task))
        premise = next(iter(_of_task(tables, "premises", str(task)).values()), {})
        if not cells:
            text, style = _table1_alone(terms, alpha, sizes), ""
        elif any(row["verdict"] == CONSTANT for row in cells.values()):
            text, style = _constant(premise), ""
        else:
            text, style = _sentence(cells, _of_task(tables, "effects", str(task)), premise, alpha, sizes)
        made.append(Finding(labels.get(str(task), str(task)), text, style))
    return tuple(made)


def _of_task(tables: Tables, kind: str, task: str) -> dict[str, Record]:
    if kind not in tables:
        return {}
    rows = records(tables[kind][tables[kind]["task"] == task])
    return {str(row.get("term", "")): row for row in rows if row.get("verdict", "-") == row.get("verdict", "-")}


def claim(term: str, beta: float, metric: str) -> str:
    """Return what a coefficient of parameters or tokens says."""
    better, share = beta * sign_of(metric) > 0, record_of(metric).higher_is_better
    if term == "tokens":
        return f"{_moves(beta, metric)} with training"
    return f"is {('higher' if better else 'lower') if share else ('better' if better else 'worse')} in larger models"


def _moves(beta: float, metric: str) -> str:
    better, share = beta * sign_of(metric) > 0, record_of(metric).higher_is_better
    return ("rises" if better else "falls") if share else ("gets better" if better else "gets worse")


def _interaction(beta: float, metric: str, training: float, verb: str = "") -> str:
    """Return what the interaction says beside an effect of training (0: none is known), both signed good or bad."""
    better = beta * sign_of(metric) > 0
    if training:
        return f"{verb}{'faster' if better == (training > 0) else 'more slowly'} in larger models"
    return "training helps larger models " + ("more or hurts them less" if better else "less or hurts them more")


def _sentence(
    cells: Mapping[str, Record], effects: Mapping[str, Record], premise: Record, alpha: float, sizes: int
) -> tuple[str, str]:
    holding = {term: cells[term] for term in TERMS if cells[term]["verdict"] == "holds"}
    tokens = holding.get("tokens")
    training = float(tokens["beta"]) * sign_of(tokens["metric"]) if tokens else 0.0
    parts = [_holding(holding, training)] if holding else []
    parts += _lost(cells, alpha) + _open(cells, effects, alpha, sizes) + _premises(premise)
    little = "" if sizes >= FEWEST_SIZES else f", and {sizes} sizes say little"
    text = "; ".join(parts) if parts else f"nothing is significant{little}"
    style = "" if not training else "better" if training > 0 else "worse"
    return text[0].upper() + text[1:] + ".", style


def _holding(holding: Mapping[str, Record], training: float) -> str:
    claims = [
        _interaction(float(row["beta"]), str(row["metric"]), training)
        if term == "interaction"
        else claim(term, float(row["beta"]), str(row["metric"]))
        for term, row in ((term, holding[term]) for term in _order(holding))
    ]
    failing = {name for row in holding.values() for check, name in NAMES.items() if _fails(row, check)}
    counts = {int(row["checked"]) for row in holding.values()}
    whole = f"holds in all {counts.pop()} checks" if len(counts) == 1 else "holds in every check"
    return f"{_joined(claims)}: " + (whole if not failing else f"holds, but not under {_joined(sorted(failing))}")


def _subjects(terms: Sequence[str]) -> str:
    return _joined([SUBJECTS[term] for term in ("tokens", "parameters", "interaction") if term in terms])


def _order(terms: Mapping[str, Record]) -> list[str]:
    return [term for term in ("tokens", "interaction", "parameters") if term in terms]


def _fails(row: Record, check: str) -> bool:
    return check in row and row[check] in ("lost", "reversed")


def _lost(cells: Mapping[str, Record], alpha: float) -> list[str]:
    """Return what is significant in Table 1 and does not survive, cells with the same fate together."""
    tokens = cells["tokens"]
    known = float(tokens["p_fdr"]) < alpha
    moves = _moves(float(tokens["beta"]), str(tokens["metric"])) + " "
    training = float(tokens["beta"]) * sign_of(str(tokens["metric"])) if known else 0.0
    fates: dict[str, list[str]] = {}
    for term in _order(cells):
        row, beta, metric = cells[term], float(cells[term]["beta"]), str(cells[term]["metric"])
        if float(row["p_fdr"]) < alpha and row["verdict"] in ("lost", "reversed"):
            it = "it " if term != "interaction" or training else ""
            said = claim(term, beta, metric) if term != "interaction" else _interaction(beta, metric, training, moves)
            fates.setdefault(_fate(row), []).append(f"that {it}{said}")
    return [f"{_joined(claims)} {fate}" for fate, claims in fates.items()]


def _fate(row: Record) -> str:
    told = [check for check in RULE if row[check] not in ("NA", "cannot tell") and row[check] == row[check]]
    failing = [check for check in told if _fails(row, check)]
    if failing == told:
        return "holds only if checkpoints are independent"
    return f"does not survive {_joined([NAMES[check] for check in failing])}"


def _open(cells: Mapping[str, Record], effects: Mapping[str, Record], alpha: float, sizes: int) -> list[str]:
    """Return what is not known, and which effects are excluded."""
    unknown = [t for t in _order(cells) if float(cells[t]["p_fdr"]) < alpha and cells[t]["verdict"] == "cannot tell"]
    parts = []
    if unknown:
        are = "effect of {} is" if len(unknown) == 1 else "effects of {} are"
        said = are.format(_subjects(unknown))
        parts.append(f"the {said} significant in Table 1, but {sizes} sizes cannot tell")
    quiet = [
        term for term in _order(cells) if cells[term]["verdict"] in ("not significant", "lost") and term in effects
    ]
    excluded: dict[str, list[str]] = {}
    for term in quiet:
        if str(effects[term]["outcome"]).startswith("no effect "):
            excluded.setdefault(str(effects[term]["outcome"]).removeprefix("no effect "), []).append(term)
    parts += [f"no effect of {_subjects(terms)} {beyond}" for beyond, terms in excluded.items()]
    undecided = [t for t in quiet if effects[t]["outcome"] == "undecided" and float(cells[t]["p_fdr"]) >= alpha]
    return parts + ([f"undecided: the effect of {_subjects(undecided)}"] if undecided else [])


def _premises(premise: Record) -> list[str]:
    parts = []
    if premise.get("plane") == "bent":
        parts.append("its curves are bent, so a plane does not describe them")
    if premise.get("plane") == "leaves the range":
        parts.append("the fitted plane leaves the metric's range")
    if float(premise.get("below_chance") or 0) > 0:
        parts.append(f"{int(premise['below_chance'])} of {int(premise['points'])} checkpoints lie below chance")
    return parts


def _constant(premise: Record) -> str:
    if not premise:
        return "Too many checkpoints give the same answer to everything: nothing can be said."
    sure = premise["constant_by"] == "answers"
    how = "give the same answer to everything" if sure else "have exactly the accuracy of a constant answer"
    count, points = int(premise["constant"]), int(premise["points"])
    return f"{count} of {points} checkpoints {how}: the values say which answer it is, and nothing else can be said."


def _table1_alone(terms: Mapping[str, Record], alpha: float, sizes: int) -> str:
    usable = TERMS if sizes >= FEWEST_SIZES else ("tokens",)
    found = {term: terms[term] for term in usable if float(terms[term]["p_fdr"]) < alpha}
    claims = [claim(t, float(found[t]["beta"]), str(found[t]["metric"])) for t in found if t != "interaction"]
    if "interaction" in found:
        row = found["interaction"]
        claims.append(_interaction(float(row["beta"]), str(row["metric"]), 0.0))
    about = "" if sizes >= FEWEST_SIZES else f"; {sizes} sizes say nothing about size"
    said = (
        f"{_joined(claims)} in Table 1, which no check has been asked about"
        if claims
        else ("nothing is significant in Table 1")
    )
    return said[0].upper() + said[1:] + about + "."


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]

"""The answer in three or four sentences: what training does, what size adds to it, and what is not known.

Counts are of verdicts (`survival`) or outcomes (`effects`); without those tables they are Table 1's, and said so.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from trajectories.analysis.points import records
from trajectories.analysis.verdicts import CONSTANT
from trajectories.analysis.ways import BETTER, WORSE
from trajectories.study.metrics import sign_of

Record = Mapping[str, Any]
Tables = Mapping[str, pd.DataFrame]

QUESTION = "Do these models get worse at something while they train, and does size make it worse?"

MOST_NAMED = 5
"""Tasks named in one sentence; of more, only how many there are is said."""


def summary(tables: Tables, labels: Mapping[str, str], alpha: float) -> tuple[str, ...]:
    """Return the sentences, from `regression` and, where they are there, other tables that the page rests on."""
    regression = tables.get("regression", pd.DataFrame(columns=["task", "p_fdr", "reason"]))
    fitted = regression[regression["p_fdr"].notna()]
    if fitted.empty:
        told = [_no_fit(regression), _trends(tables.get("trends"), labels, alpha)]
        return tuple(filter(None, (*told, *ways_told(tables.get("protocols"), labels))))
    checked = "survival" in tables and not tables["survival"].empty
    terms = {term: records(rows) for term, rows in (tables["survival"] if checked else fitted).groupby("term")}
    tasks, where = fitted["task"].nunique(), "" if checked else "In Table 1, which no check has been asked about: "
    worse, better = (_sure(terms["tokens"], alpha, sign) for sign in (-1, 1))
    changes = _both(worse, "worse", better, "better", labels)
    first = f"{where}of {_tasks(tasks)}, {changes} with training" if changes else _none(where, tasks)
    falling, rising = (_unconfirmed(terms["tokens"], sign) for sign in (-1, 1))
    table1 = _both(falling, "worse", rising, "better", labels)
    told = [f"{first[0].upper()}{first[1:]}."]
    told += [f"In Table 1, {table1} with training; with so few sizes no check can confirm or refute it."] * bool(table1)
    told += [_of_size(terms, labels, alpha), _drops(tables.get("trends"), labels, alpha)]
    spoken = {*worse, *better, *falling, *rising}
    told += [_rest(terms["tokens"], spoken, tables.get("effects"), labels)]
    return tuple(filter(None, (*told, *ways_told(tables.get("protocols"), labels))))


def ways_told(protocols: pd.DataFrame | None, labels: Mapping[str, str]) -> list[str]:
    """Return a sentence for each other way of asking: on how many tasks it makes the largest model better or worse."""
    told = []
    known = protocols[protocols["change"].notna()] if protocols is not None else pd.DataFrame(columns=["way"])
    for way, rows in known.groupby("way", sort=False):
        better, worse = (list(rows.loc[rows["change"] == change, "task"].astype(str)) for change in (BETTER, WORSE))
        said = f"better on {_named(better, labels)}" if better else "better on none"
        said += f" and worse on {_named(worse, labels)}" if worse else "" if better else " and worse on none"
        told.append(f"Asked in another way ({way}), the largest model ends surely {said} of {_tasks(len(rows))}.")
    return told


def _none(where: str, tasks: int) -> str:
    return f"{where}of {_tasks(tasks)}, none surely gets better or worse with training"


def _of_size(terms: Mapping[Any, Sequence[Record]], labels: Mapping[str, str], alpha: float) -> str:
    more, less = (_sure(terms["interaction"], alpha, sign) for sign in (-1, 1))
    said = [f"adds to the harm of training, or takes from its use, on {_named(more, labels)}"] if more else []
    said += [f"does the opposite on {_named(less, labels)}"] if less else []
    low, high = (_sure(terms["parameters"], alpha, sign) for sign in (-1, 1))
    said += [f"by itself goes with worse results on {_named(low, labels)}"] if low else []
    said += [f"by itself goes with better results on {_named(high, labels)}"] if high else []
    return f"Size {'; it '.join(said)}." if said else "Of size no effect is sure."


def _drops(trends: pd.DataFrame | None, labels: Mapping[str, str], alpha: float) -> str:
    """Return how many curves of single models end below their best by more than noise, if any does."""
    if trends is None or "drop_p_fdr" not in trends:
        return ""
    known = trends[trends["drop_p_fdr"].notna()]
    sure = known[known["drop_p_fdr"] < alpha]
    tasks = list(dict.fromkeys(sure["task"].astype(str)))
    what = f"{len(sure)} of {len(known)} curves of single models end surely worse than at their best"
    where = f"on {_named(tasks, labels)}{' tasks' if len(tasks) > MOST_NAMED else ''}"
    return f"In trends.tsv, {what}, {where}." if tasks else ""


def _rest(rows: Sequence[Record], spoken: set[str], effects: pd.DataFrame | None, labels: Mapping[str, str]) -> str:
    """Return what is known of training on the tasks of which nothing has been said."""
    own = pd.DataFrame(columns=["task", "outcome"]) if effects is None else effects[effects["term"] == "tokens"]
    outcomes = dict(zip(own["task"], own["outcome"], strict=True))
    constant = [str(row["task"]) for row in rows if row.get("verdict") == CONSTANT]
    quiet = [str(row["task"]) for row in rows if str(row["task"]) not in {*spoken, *constant}]
    excluded = [task for task in quiet if str(outcomes.get(task, "")).startswith("no effect ")]
    lost = [str(row["task"]) for row in rows if str(row.get("verdict")) in ("lost", "reversed")]
    shaky = [task for task in quiet if task in lost and task not in excluded]
    open_ = [task for task in quiet if task not in {*excluded, *shaky}]
    said = [f"an effect of training worth speaking of is excluded on {_named(excluded, labels)}"] if excluded else []
    said += [f"what Table 1 finds does not survive the checks on {_named(shaky, labels)}"] if shaky else []
    said += [f"nothing can be said of {_named(constant, labels)}, where answers are constant"] if constant else []
    said += [f"the data decide nothing on {_named(open_, labels)}"] if open_ else []
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _sure(rows: Iterable[Record], alpha: float, sign: int) -> list[str]:
    """Return the tasks on which the effect is sure and goes that way: 1 better, -1 worse."""
    return [
        str(row["task"])
        for row in rows
        if (row["verdict"] == "holds" if "verdict" in row else float(row["p_fdr"]) < alpha)
        and float(row["beta"]) * sign_of(str(row["metric"])) * sign > 0
    ]


def _unconfirmed(rows: Iterable[Record], sign: int) -> list[str]:
    """Return the tasks on which Table 1 has an effect that way, 1 better, -1 worse, and no check can tell."""
    return [
        str(row["task"])
        for row in rows
        if row.get("verdict") == "cannot tell" and float(row["beta"]) * sign_of(str(row["metric"])) * sign > 0
    ]


def _both(ones: Sequence[str], one: str, others: Sequence[str], other: str, labels: Mapping[str, str]) -> str:
    said = [
        f"{_named(tasks, labels)} {'gets' if len(tasks) == 1 else 'get'} {how}"
        for tasks, how in ((ones, one), (others, other))
        if tasks
    ]
    return " and ".join(said)


def _no_fit(regression: pd.DataFrame) -> str:
    reasons = [str(reason) for reason in regression["reason"].dropna().unique() if str(reason)]
    why = f" ({'; '.join(reasons[:3])})" if reasons else ""
    return f"This study allows no regression on size and training{why}."


def _trends(trends: pd.DataFrame | None, labels: Mapping[str, str], alpha: float) -> str:
    """Return what single models do while they train: by task for one model, counted for several."""
    if trends is None or trends["p_fdr"].notna().sum() == 0:
        return "The curves below are what there is."
    known = trends[trends["p_fdr"].notna()]
    models, sure = known["model"].nunique(), known[known["p_fdr"] < alpha]
    ways = sure["trend"] * sure["metric"].map(sign_of)
    if models > 1:
        return (
            f"Of {len(known)} trends of {models} single models over training, {int((ways < 0).sum())} get worse and "
            f"{int((ways > 0).sum())} better at corrected p below {alpha}."
        )
    worse, better = (list(sure[ways * sign > 0]["task"].astype(str)) for sign in (-1, 1))
    changes = _both(worse, "worse", better, "better", labels)
    whole = f"Of {_tasks(len(known))} on which {known['model'].iloc[0]} was followed, "
    return f"{whole}{changes or 'none surely changes'} with training."


def _tasks(count: int) -> str:
    return f"{count} task{'s' if count > 1 else ''}"


def _named(tasks: Sequence[str], labels: Mapping[str, str]) -> str:
    """Return how many tasks, and which."""
    if len(tasks) > MOST_NAMED:
        return str(len(tasks))
    return f"{len(tasks)} ({', '.join(labels.get(task, task) for task in tasks)})"

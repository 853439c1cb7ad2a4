"""The checks of `sensitivity` that refit one task under other assumptions; each returns a row per term.

A row has some of beta, stderr, t, df, p and a note, or only a reason why there is no result. Points have a column
`size`: checks of dependence go by size, whatever runs it has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from trajectories.analysis import ols
from trajectories.analysis.clustered import clustered, cr2, membership, wild_cluster_p
from trajectories.analysis.constants import SUSPICIOUS, flags_of
from trajectories.analysis.lines import FEWEST_SIZES, run_lines
from trajectories.analysis.mixed import MixedFits
from trajectories.analysis.parameters import PYTHIA, ParameterCounts
from trajectories.analysis.points import varies
from trajectories.analysis.regression import fit_regression
from trajectories.analysis.shuffles import size_shuffles, smallest_p
from trajectories.analysis.tails import two_sided
from trajectories.analysis.terms import TERMS, design_matrix, why_not, zscore
from trajectories.analysis.verdicts import CONSTANT
from trajectories.study.metrics import record_of, sign_of

FEWEST_BOOTSTRAPPED = 6
"""With five sizes the wild bootstrap of the tokens rejects a true null too often: 12 % without t beside it."""

DRAWS = 10
"""The wild bootstrap draws this many times `resamples`: cheap, and then the seed moves a p of 0.05 by 0.002."""

EXACT = 1e-12
"""A smaller standard error is rounding: the fit leaves nothing, and no t statistic can be made of it."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """What the checks need besides the points: how many resamples, their seed, and models' real sizes.

    `counts` adds to the known Pythia sizes (`parameters.PYTHIA`) and overrides them. `flags` says which checkpoints
    give constant answers (`constants.FLAGS`), `items` what the item-level model found (`COLUMNS["items"]`). `fits`
    keeps the mixed models, which `variation` asks for as well.
    """

    resamples: int = 2000
    seed: int = 1
    counts: Mapping[str, ParameterCounts] | None = None
    flags: pd.DataFrame | None = None
    items: pd.DataFrame | None = None
    fits: MixedFits = field(default_factory=MixedFits)


Check = Callable[[pd.DataFrame, Setting], list[Row]]


def no_result(reason: str) -> list[Row]:
    """Return one row per term with nothing but a reason."""
    return [{"reason": reason} for _ in TERMS]


def _estimates(coefficients: np.ndarray, stderr: np.ndarray, df: float) -> list[Row]:
    """Return one row per term of the coefficients of a regression, tested by t with `df`."""
    return [_tested(coefficients[i], stderr[i], df) for i in (1, 2, 3)]


def fitted(points: pd.DataFrame) -> ols.Fit | str:
    """Return the paper's regression of these points, or why there is nothing to test."""
    reason = why_not(points)
    if reason:
        return reason
    fit = _fit(points)
    return "the fit leaves no residual" if fit.ssr < EXACT else fit


def rows_of(fit: ols.Fit) -> list[Row]:
    """Return the paper's tests of a regression."""
    return _estimates(fit.coefficients, fit.stderr, fit.df)


def least_squares(points: pd.DataFrame) -> list[Row]:
    """Return the paper's tests of these points, of which there are enough."""
    return rows_of(_fit(points))


def _fit(points: pd.DataFrame) -> ols.Fit:
    return ols.least_squares(zscore(points["value"].to_numpy(float)), design_matrix(points))


def _hc3(points: pd.DataFrame, setting: Setting) -> list[Row]:
    result = fit_regression(points, cov_type="HC3", use_t=True)
    return _estimates(result.params, result.bse, result.df_resid)


def _between_sizes(fewest: int) -> Callable[[Check], Check]:
    """Make a check give no result below so many sizes."""

    def guard(check: Check) -> Check:
        def checked(points: pd.DataFrame, setting: Setting) -> list[Row]:
            lined = points.groupby("model")["tokens"].transform("nunique") > 1
            sizes = points.loc[lined, "size"].nunique()
            if sizes < fewest:
                return no_result(f"fewer than {fewest} sizes with several steps ({sizes})")
            return check(points, setting)

        return checked

    return guard


@_between_sizes(FEWEST_SIZES)
def _cluster(points: pd.DataFrame, setting: Setting) -> list[Row]:
    y, design, member = _parts(points)
    found = [clustered(y[None, :], design, member, term) for term in (1, 2, 3)]
    return [_tested(float(beta[0]), float(stderr[0]), member.shape[1] - 1) for beta, stderr in found]


@_between_sizes(FEWEST_SIZES)
def _cr2(points: pd.DataFrame, setting: Setting) -> list[Row]:
    y, design, member = _parts(points)
    return [_tested(*cr2(y, design, member, term)) for term in (1, 2, 3)]


@_between_sizes(FEWEST_BOOTSTRAPPED)
def _wild_bootstrap(points: pd.DataFrame, setting: Setting) -> list[Row]:
    rng = np.random.default_rng([setting.seed, 1])
    y, design, member = _parts(points)
    draws = DRAWS * setting.resamples
    return [
        row if "reason" in row else {**row, "df": np.nan, "p": wild_cluster_p(y, design, member, term, draws, rng)}
        for term, row in enumerate(_cluster(points, setting), start=1)
    ]


@_between_sizes(FEWEST_SIZES)
def _mixed(points: pd.DataFrame, setting: Setting) -> list[Row]:
    lines = run_lines(points)
    if lines.residual < EXACT:
        return no_result("runs lie on straight lines exactly")
    fit = setting.fits.of(lines)
    stderr = np.sqrt(np.diag(fit.covariance))
    rows = [_tested(fit.coefficients[i], stderr[i], lines.sizes - 2) for i in (1, 2, 3)]
    return [{**row, "note": fit.singular} for row in rows]


@_between_sizes(FEWEST_SIZES)
def _permutation(points: pd.DataFrame, setting: Setting) -> list[Row]:
    rng = np.random.default_rng([setting.seed, 2])
    place, means = run_lines(points).means()
    found, smallest = size_shuffles(place, means[:, 0], means[:, 1], rng), smallest_p(len(place))
    estimates = between_sizes(place, means)
    rows = [row if "reason" in row else {**row, "df": np.nan, "p": p} for row, p in zip(estimates, found, strict=True)]
    return [
        row if least < 0.05 else {"reason": f"with {len(place)} sizes no p below {least:g} is possible"}
        for row, least in zip(rows, smallest, strict=True)
    ]


def between_sizes(place: np.ndarray, means: np.ndarray) -> list[Row]:
    """Return the t tests of sizes' levels and slopes (G x 2) on their place (G), with G - 2 degrees of freedom."""
    design = np.column_stack([np.ones(len(place)), place])
    level, slope = (ols.least_squares(means[:, i], design) for i in range(2))
    terms = ((level, 1), (slope, 0), (slope, 1))
    return [_tested(float(fit.coefficients[i]), float(fit.stderr[i]), len(place) - 2) for fit, i in terms]


def _parts(points: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return z-scored values (n), design (n x 4) and membership in sizes (n x G)."""
    return zscore(points["value"].to_numpy(float)), design_matrix(points), membership(points["size"])


def _tested(beta: float, stderr: float, df: float) -> Row:
    """Return a row with the t test of an estimate; only a reason where its standard error is none."""
    if not (np.isfinite(stderr) and stderr > EXACT and df > 0):
        return {"reason": "no finite standard error"}
    t = beta / stderr
    return {"beta": beta, "stderr": stderr, "t": t, "df": df, "p": float(two_sided(t, df))}


def _counted(points: pd.DataFrame, setting: Setting, part: str) -> list[Row]:
    counts = PYTHIA if setting.counts is None else {**PYTHIA, **setting.counts}
    unknown = [model for model in points["model"].unique() if model not in counts]
    if unknown:
        return no_result(f"the real size of {unknown[0]} is not known")
    real = points["model"].map({model: getattr(count, part) for model, count in counts.items()})
    return least_squares(points.assign(parameters=real))


def _exact_parameters(points: pd.DataFrame, setting: Setting) -> list[Row]:
    return _counted(points, setting, "exact")


def _body_parameters(points: pd.DataFrame, setting: Setting) -> list[Row]:
    return _counted(points, setting, "body")


def _logit(points: pd.DataFrame, setting: Setting) -> list[Row]:
    if not record_of(points["metric"].iloc[0]).is_share:
        return no_result("not a share between 0 and 1")
    logit = empirical_logit(points)
    if not varies(logit):
        return no_result("the logit never varies")
    return least_squares(points.assign(value=logit))


def empirical_logit(points: pd.DataFrame) -> np.ndarray:
    """Return the logit of the values, with those within half a question of 0 or 1 moved to that distance.

    Where the number of questions is missing it is inferred from the binomial standard error; where that is missing
    too, 1000 is taken.
    """
    value, stderr = points["value"].to_numpy(float), points["stderr"].to_numpy(float)
    questions = points["questions"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        inferred = np.where(stderr > 0, value * (1 - value) / stderr**2 + 1, np.nan)
    usual = np.nanmedian(inferred) if np.isfinite(inferred).any() else 1000.0
    half = 0.5 / np.where(np.isfinite(questions), questions, usual)
    inside = np.clip(value, half, 1 - half)
    return np.asarray(np.log(inside / (1 - inside)))


def other_metric(points: pd.DataFrame, metric: str, instead_of: str) -> list[Row]:
    """Return the paper's regression of points of a continuous metric, turned to the side `instead_of` has."""
    reason = why_not(points)
    if reason:
        return no_result(f"{metric}: {reason}")
    return least_squares(points.assign(value=points["value"] * sign_of(metric) * sign_of(instead_of)))


def _without_constant(points: pd.DataFrame, setting: Setting) -> list[Row]:
    flagged = np.zeros(len(points), dtype=bool) if setting.flags is None else flags_of(points, setting.flags)
    if not flagged.any():
        return no_result("no checkpoint gives constant answers")
    said = f"{int(flagged.sum())} of {len(points)} checkpoints give constant answers"
    rest = points[~flagged].reset_index(drop=True)
    many = flagged.mean() >= SUSPICIOUS
    reason = why_not(rest) or ("too few others are left" if flagged.mean() > 0.5 else "")
    rows = no_result(f"{said}: {reason}") if reason else least_squares(rest)
    return [{**row, "note": f"{CONSTANT}: {said}" if many or reason else said} for row in rows]


def _items(points: pd.DataFrame, setting: Setting) -> list[Row]:
    found = setting.items
    if found is None or not (found["task"] == points["task"].iloc[0]).any():
        return no_result("there are no scores of single questions")
    rows = found[found["task"] == points["task"].iloc[0]].set_index("term")
    return [
        {"reason": rows.loc[term, "reason"]}
        if rows.loc[term, "reason"]
        else {name: rows.loc[term, name] for name in ("beta", "stderr", "t", "df", "p", "note")}
        for term in TERMS
    ]


REFITS: dict[str, Check] = {
    "hc3": _hc3,
    "cluster": _cluster,
    "cr2": _cr2,
    "wild_bootstrap": _wild_bootstrap,
    "mixed": _mixed,
    "permutation": _permutation,
    "exact_parameters": _exact_parameters,
    "body_parameters": _body_parameters,
    "logit": _logit,
    "items": _items,
    "without_constant": _without_constant,
}
"""Checks that need nothing but the task's points."""

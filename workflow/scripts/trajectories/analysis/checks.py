"""The checks of `sensitivity` that refit one task under other assumptions; each returns a row per term.

A row has some of beta, stderr, t, df, p, or only a reason why there is no result.
"""

import contextlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from trajectories.analysis.clustered import membership, wild_cluster_p
from trajectories.analysis.parameters import PYTHIA, ParameterCounts
from trajectories.analysis.points import varies
from trajectories.analysis.regression import TERMS, design_matrix, fit_regression, why_not, zscore
from trajectories.analysis.shuffles import trajectory_p
from trajectories.study.metrics import METRICS, sign_of

FEW_MODELS = 4
"""Fewer models than this carry no inference about models."""

FEW_COURSES = 6
"""With fewer models, turning whole courses over can never give p < 0.05."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """What the checks need besides the points: how many resamples, their seed, and models' real sizes.

    `counts` adds to the known Pythia sizes (`parameters.PYTHIA`) and overrides them.
    """

    resamples: int = 2000
    seed: int = 1
    counts: Mapping[str, ParameterCounts] | None = None


Check = Callable[[pd.DataFrame, Setting], list[Row]]


def no_result(reason: str) -> list[Row]:
    """Return one row per term with nothing but a reason."""
    return [{"reason": reason} for _ in TERMS]


def _estimates(result: Any, df: float | None = None) -> list[Row]:
    """Turn a statsmodels result into one row per term, with its own p-values or those of t with `df`."""
    params, stderr = np.asarray(result.params)[1:4], np.asarray(result.bse)[1:4]
    degrees = float(result.df_resid_inference if df is None else df)
    t = params / stderr
    p = 2 * stats.t.sf(np.abs(t), degrees)
    return [
        {"beta": params[i], "stderr": stderr[i], "t": t[i], "df": degrees, "p": p[i]}
        if np.isfinite(p[i])
        else {"reason": "no finite standard error"}
        for i in range(3)
    ]


def least_squares(points: pd.DataFrame) -> list[Row]:
    """Return the paper's regression of these points."""
    result = fit_regression(points)
    return _estimates(result, result.df_resid)


def _hc3(points: pd.DataFrame, setting: Setting) -> list[Row]:
    result = fit_regression(points, cov_type="HC3", use_t=True)
    return _estimates(result, result.df_resid)


def _cluster(points: pd.DataFrame, setting: Setting) -> list[Row]:
    codes, models = pd.factorize(points["model"])
    how = {"cov_type": "cluster", "cov_kwds": {"groups": codes, "use_correction": True}, "use_t": True}
    return _estimates(fit_regression(points, **how), len(models) - 1)


def _wild_bootstrap(points: pd.DataFrame, setting: Setting) -> list[Row]:
    if points["model"].nunique() < 4:
        return no_result("fewer than 4 models")
    rng = np.random.default_rng([setting.seed, 1])
    y, design = zscore(points["value"].to_numpy(float)), design_matrix(points)
    member = membership(points["model"])
    clustered = _cluster(points, setting)
    return [
        {**clustered[i], "df": np.nan, "p": wild_cluster_p(y, design, member, i + 1, setting.resamples, rng)}
        for i in range(3)
    ]


def _mixed(points: pd.DataFrame, setting: Setting) -> list[Row]:
    models = points["model"].nunique()
    if models < 4:
        return no_result("fewer than 4 models")
    result = fit_mixed(zscore(points["value"].to_numpy(float)), design_matrix(points), points["model"].to_numpy())
    if result is None:
        return no_result("the mixed model did not converge")
    return _estimates(result, models - 2)


def fit_mixed(y: np.ndarray, design: np.ndarray, groups: np.ndarray) -> Any | None:
    """Fit the design with a random intercept and token slope per group by REML (statsmodels); None if it fails.

    Gradient methods stop short where a variance is 0, so Powell's method is tried too and the higher likelihood kept.
    """
    model = sm.MixedLM(y, design, groups, exog_re=design[:, [0, 2]])
    fits = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a variance at its boundary, 0, is an answer here, not a failure
        for method in ("powell", "lbfgs"):
            with contextlib.suppress(np.linalg.LinAlgError):
                fits.append(model.fit(reml=True, method=method))
        return max((fit for fit in fits if fit.converged), key=lambda fit: fit.llf, default=None)


def _permutation(points: pd.DataFrame, setting: Setting) -> list[Row]:
    if points["model"].nunique() < 4:
        return no_result("fewer than 4 models")
    rng = np.random.default_rng([setting.seed, 2])
    found = trajectory_p(points, zscore(points["value"].to_numpy(float)), setting.resamples, rng)
    rows = [{**row, "df": np.nan, "p": p} for row, p in zip(least_squares(points), found, strict=True)]
    models = points["model"].nunique()
    if models < FEW_COURSES:
        rows[1] = {"reason": f"with {models} models no p below {2 / 2**models:g} is possible"}
    return rows


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
    if not METRICS[points["metric"].iloc[0]].is_share:
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


REFITS: dict[str, Check] = {
    "hc3": _hc3,
    "cluster": _cluster,
    "wild_bootstrap": _wild_bootstrap,
    "mixed": _mixed,
    "permutation": _permutation,
    "exact_parameters": _exact_parameters,
    "body_parameters": _body_parameters,
    "logit": _logit,
}
"""Checks that need nothing but the task's points."""

"""What a design can detect: the smallest interaction, trend and drop with a given power.

A null result can only be read beside this. Three kinds of noise are taken, the second and third where accuracies are
at hand:

- `questions`: every checkpoint has the same accuracy but for the effect; only the sample of questions adds noise;
- `observed`: checkpoints vary beyond that, for the interaction as about the paper's plane, for trend and drop as
  rough as trajectories are, neighbours alike as estimated;
- `models`: sizes have token slopes of their own, as varied as observed, and the interaction is tested as a t test
  of one slope per size, the mean of its runs' (the mixed model's view, see `checks`).

Noise is normal, which is close for the hundreds of questions of a usual task. The power of a t test is that of the
noncentral distribution; trend and drop are simulated with the very tests of `trends`, under the correlation it assumes.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from trajectories.analysis.dependence import Noise
from trajectories.analysis.designs import (
    Curve,
    Design,
    drop_power,
    interaction_power,
    interaction_power_over_models,
    trend_power,
)
from trajectories.analysis.drops import FEWEST, variance
from trajectories.analysis.ols import least_squares
from trajectories.analysis.points import Metrics, generator, read_accuracy, table_of, task_points, with_size
from trajectories.analysis.terms import design_matrix, why_not, zscore
from trajectories.analysis.trajectory import Serial, noise_by_name
from trajectories.study.metrics import record_of
from trajectories.tables import write_table

Row = dict[str, object]
UNITS = {
    "interaction": "metric per sd of log10 parameters and sd of log10 tokens",
    "trend": "metric per tenfold tokens, one model",
    "drop": "metric, best checkpoint to last, one model",
}

EFFECTS: dict[tuple[str, str], Callable[[Design, float, np.random.Generator], Curve]] = {
    ("interaction", "questions"): interaction_power,
    ("interaction", "observed"): interaction_power,
    ("interaction", "models"): interaction_power_over_models,
    ("trend", "questions"): trend_power,
    ("trend", "observed"): trend_power,
    ("drop", "questions"): drop_power,
    ("drop", "observed"): drop_power,
}


def observed_noise(points: pd.DataFrame) -> tuple[float, float]:
    """Return sd of checkpoints about the plane beyond their questions, and sd of sizes' own token slopes.

    Both are moment estimates, 0 where the noise below them explains all; the slopes' noise is that about the line of
    slopes on size. A size's slope is the mean of its runs'. A missing standard error counts as 0.
    """
    value, matrix = points["value"].to_numpy(float), design_matrix(points)
    residual = least_squares(value, matrix).variance
    questions = float(np.mean(np.nan_to_num(np.square(points["stderr"].to_numpy(float)))))
    lines = []
    for _, model in with_size(points).assign(z=matrix[:, 2], place=matrix[:, 1]).groupby("model"):
        if len(model) < 3:
            continue
        line = least_squares(model["value"].to_numpy(float), _straight(model["z"].to_numpy(float)))
        lines.append((model["size"].iloc[0], model["place"].iloc[0], line.coefficients[1], line.stderr[1] ** 2))
    sizes = pd.DataFrame(lines, columns=["size", "place", "slope", "error"]).groupby("size")
    if len(sizes) < 4:
        return float(np.sqrt(max(0.0, residual - questions))), 0.0
    means, errors = sizes[["place", "slope"]].mean(), sizes["error"].mean() / sizes.size()
    between = least_squares(means["slope"].to_numpy(), _straight(zscore(means["place"].to_numpy()))).variance
    return float(np.sqrt(max(0.0, residual - questions))), float(np.sqrt(max(0.0, between - np.mean(errors))))


def _straight(x: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones_like(x), x])


def roughness(points: pd.DataFrame, noise: Noise) -> float:
    """Return the sd of one checkpoint beyond its questions, from how rough the trajectories are (`drops`)."""
    variances = []
    for _, model in points.groupby("model"):
        x, value = np.log10(model["tokens"].to_numpy(float)), model["value"].to_numpy(float)
        if len(x) >= FEWEST:
            questions = np.nan_to_num(np.square(model["stderr"].to_numpy(float))).mean()
            variances.append(variance(x, value[None, :], noise.over(x))[0] - questions)
    return float(np.sqrt(max(0.0, np.mean(variances)))) if variances else 0.0


def question_count(points: pd.DataFrame) -> float:
    """Return the number of questions, inferred from the binomial standard error where the column is missing."""
    known = points["questions"].to_numpy(float)
    if np.isfinite(known).any():
        return float(np.nanmedian(known))
    value, stderr = points["value"].to_numpy(float), points["stderr"].to_numpy(float)
    usable = stderr > 0
    return float(np.median((value * (1 - value))[usable] / stderr[usable] ** 2 + 1)) if usable.any() else float("nan")


def power_tables(
    accuracy: pd.DataFrame,
    metrics: Metrics,
    seed: int = 1,
    alpha: float = 0.05,
    target: float = 0.8,
    serial: Serial = "auto",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the summary and the curves, columns `COLUMNS["power"]` and `COLUMNS["power_curves"]`.

    The design, `base` (mean accuracy), the noise and the correlation of neighbours' noise (the mean of the task's
    trajectories) are those of the accuracies; only shares are judged.
    """
    assumed = noise_by_name(accuracy, metrics, serial)
    summary: list[Row] = []
    curves: list[Row] = []
    for task, metric in metrics.items():
        points = task_points(accuracy, task, metric)
        reason = _reason(points, metric)
        of_task = [noise for (name, _), noise in assumed.items() if name == task]
        designs = {} if reason else _designs(points, _mean(of_task))
        for effect, noise in EFFECTS:
            row: Row = {"task": task, "effect": effect, "noise": noise, "alpha": alpha, "target": target}
            if reason:
                summary.append(row | {"reason": reason})
                continue
            rng = generator(seed, task)
            design = designs[effect == "interaction", noise]
            if effect != "interaction" and design.steps < FEWEST:
                summary.append(row | _columns(design, effect, np.nan) | {"reason": f"fewer than {FEWEST} steps"})
                continue
            curve = EFFECTS[effect, noise](design, alpha, rng)
            summary.append(row | _columns(design, effect, curve.smallest(target)))
            curves += _curve_rows(row, curve)
    return table_of(summary, "power"), table_of(curves, "power_curves")


def plan(
    checkpoints: pd.DataFrame,
    questions: Mapping[str, int],
    alpha: float = 0.05,
    target: float = 0.8,
    seed: int = 1,
    serial: float = 0.0,
) -> pd.DataFrame:
    """Return the summary for a design without any accuracies: base 1/2, the worst case, and noise of questions only.

    `checkpoints` has the columns model, parameters, step, tokens; `questions` a number per task.
    """
    even = checkpoints.assign(value=0.5, stderr=0.0, metric="accuracy")
    rows = [even.assign(task=task, questions=count) for task, count in questions.items()]
    metrics = dict.fromkeys(questions, "accuracy")
    table, _ = power_tables(pd.concat(rows), metrics, seed, alpha, target, serial)
    return table[table["noise"] == "questions"].reset_index(drop=True)


def _reason(points: pd.DataFrame, metric: str) -> str:
    reason = why_not(points)
    if reason and reason != "the value never varies":
        return reason
    if not record_of(metric).is_share:
        return "not a share between 0 and 1"
    several = points.groupby("model")["tokens"].transform("nunique") > 1
    if points.loc[several, "size"].nunique() < 4:
        return "fewer than 4 sizes with several steps"
    base = float(points["value"].mean())
    if not 0 < base < 1:
        return f"accuracy is {base:g} throughout"
    return "" if np.isfinite(question_count(points)) else "the number of questions is not known"


def _designs(points: pd.DataFrame, serial: Noise) -> dict[tuple[bool, str], Design]:
    """Return the design by whether the effect is an interaction, and the kind of noise."""
    even = Design(points, question_count(points), float(points["value"].mean()), serial=serial)
    sd, slope_sd = observed_noise(points)
    about_plane = replace(even, sd=sd)
    return {
        (True, "questions"): even,
        (True, "observed"): about_plane,
        (True, "models"): replace(about_plane, slope_sd=slope_sd),
        (False, "questions"): even,
        (False, "observed"): replace(even, sd=roughness(points, serial)),
    }


def _mean(noise: list[Noise]) -> Noise:
    return replace(noise[0], rho=round(float(np.mean([one.rho for one in noise])), 2))


def _columns(design: Design, effect: str, smallest: float) -> Row:
    reason = "too few steps: not found at any size" if np.isnan(smallest) else ""
    if effect == "drop" and smallest > design.base:
        reason = "larger than the accuracy itself"
    return {
        "models": design.checkpoints["model"].nunique(),
        "steps": design.steps,
        "questions": round(design.questions),
        "base": design.base,
        "sd": design.sd,
        "slope_sd": design.slope_sd,
        "serial": design.serial.neighbours,
        "smallest": smallest,
        "unit": UNITS[effect],
        "reason": reason,
    }


def _curve_rows(row: Row, curve: Curve) -> list[Row]:
    kept = {name: row[name] for name in ("task", "effect", "noise")}
    pairs = zip(curve.size.tolist(), curve.power.tolist(), strict=True)
    return [kept | {"size": size, "power": power} for size, power in pairs]


def write_power(
    accuracy: Path | str,
    power: Path | str,
    curves: Path | str,
    metrics: Metrics,
    seed: int = 1,
    alpha: float = 0.05,
    target: float = 0.8,
    serial: Serial = "auto",
    from_tokens: float = 0,
    sizes: Mapping[str, str] | None = None,
) -> None:
    """Read `accuracy.tsv`, write `power.tsv` and `power_curves.tsv`. `sizes`: model → size."""
    table = read_accuracy(accuracy, from_tokens, sizes)
    summary, points = power_tables(table, metrics, seed, alpha, target, serial)
    write_table(summary, power, "power")
    write_table(points, curves, "power_curves")

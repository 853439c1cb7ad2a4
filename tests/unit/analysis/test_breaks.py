"""Quadratics and breaks against statsmodels' nested fits, simulation under the null, and known places."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from support.accuracies import METRICS, STEPS, TOKENS_PER_STEP, grid, published
from trajectories.analysis.breaks import breaks_table, compare, comparisons, write_breaks
from trajectories.analysis.clustered import membership
from trajectories.analysis.dependence import Dependence, Noise
from trajectories.tables import COLUMNS, read_table, write_table

X = np.log10(np.array(STEPS, dtype=float) * TOKENS_PER_STEP)
LINE = np.column_stack([np.ones(8), X - X.mean()])


def plane(data: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    size = np.log10(data["parameters"].to_numpy(float))
    tokens = np.log10(data["tokens"].to_numpy(float))
    size, centred = size - size.mean(), tokens - tokens.mean()
    return np.column_stack([np.ones(len(size)), centred, size, size * centred]), tokens


def test_quadratic_is_statsmodels_nested_f_test() -> None:
    data = grid(lambda p, t: 0.1 * p + 0.2 * t + 0.3 * np.sin(9 * p * t))
    design, tokens = plane(data)
    y = data["value"].to_numpy()
    row = compare(y, comparisons(design, tokens)["quadratic"], None, 99, np.random.default_rng(0))
    plain, richer = (sm.OLS(y, x).fit() for x in (design, np.column_stack([design, tokens**2])))
    f, p, _ = richer.compare_f_test(plain)
    assert (row["f"], row["p"]) == (pytest.approx(f), pytest.approx(p))
    assert (row["df_model"], row["df_resid"]) == (1, 59)

    def aicc(fit: object, k: int) -> float:
        return 64 * np.log(fit.ssr / 64) + 2 * k + 2 * k * (k + 1) / (64 - k - 1)  # type: ignore[attr-defined]

    assert row["aicc_straight"] == pytest.approx(aicc(plain, 5))
    assert row["aicc"] == pytest.approx(aicc(richer, 6))


def test_break_is_the_best_of_all_hinges() -> None:
    data = grid(lambda p, t: np.cos(3 * t) + 0.1 * np.sin(30 * p * t))
    design, tokens = plane(data)
    y = data["value"].to_numpy()
    comparison = comparisons(design, tokens)["break"]
    row = compare(y, comparison, None, 99, np.random.default_rng(0))
    fits = [sm.OLS(y, np.column_stack([design, np.maximum(0, tokens - c)])).fit() for c in comparison.places]
    best = int(np.argmin([fit.ssr for fit in fits]))
    straight = sm.OLS(y, design).fit().ssr
    assert row["f"] == pytest.approx(((straight - fits[best].ssr) / 2) / (fits[best].ssr / 58))
    assert np.log10(float(str(row["at"]))) == pytest.approx(comparison.places[best])
    assert row["slope_before"] == pytest.approx(fits[best].params[1])
    assert row["slope_after"] == pytest.approx(fits[best].params[1] + fits[best].params[4])


def test_a_known_break_is_found_with_its_slopes_and_interval() -> None:
    at = np.log10(16000 * TOKENS_PER_STEP)
    held = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        y = 0.5 + 0.2 * (X - at) - 0.6 * np.maximum(0, X - at) + 0.01 * rng.normal(size=8)
        row = compare(y, comparisons(LINE, X)["break"], None, 299, rng)
        assert row["p"] == pytest.approx(1 / 300, abs=0.02)
        assert row["slope_before"] == pytest.approx(0.2, abs=0.1)
        assert row["slope_after"] == pytest.approx(-0.4, abs=0.1)
        held += float(str(row["at_low"])) <= 10**at <= float(str(row["at_high"]))
    assert held / 80 >= 0.85


@pytest.mark.parametrize("form", ["quadratic", "break"])
def test_p_values_are_uniform_on_straight_trajectories(form: str) -> None:
    rng = np.random.default_rng(5)
    comparison = comparisons(LINE, X)[form]
    samples = 3 - 0.4 * X + 0.02 * rng.normal(size=(400, 8))
    p = [float(str(compare(y, comparison, None, 99, rng)["p"])) for y in samples]
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_clustered_p_values_allow_for_curves_that_models_have_of_their_own() -> None:
    """Models with a random curvature each, none on average: the F test is fooled, the clustered one is not."""
    data = grid(lambda p, t: 0 * t)
    design, tokens = plane(data)
    member = membership(data["model"])
    bowl = (tokens - tokens.mean()) ** 2
    rng = np.random.default_rng(9)
    plain, clustered = [], []
    for _ in range(200):
        y = 0.1 * rng.normal(size=64) + bowl * (member @ rng.normal(size=8))
        row = compare(y, comparisons(design, tokens)["quadratic"], member, 199, rng)
        plain.append(float(str(row["p"])))
        clustered.append(float(str(row["p_cluster"])))
    assert np.mean(np.array(plain) <= 0.05) > 0.2
    assert np.mean(np.array(clustered) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_the_papers_three_suspects_rise_and_then_fall(shared_data: Path) -> None:
    table = breaks_table(published(shared_data), METRICS).set_index(["task", "group", "axis", "form"])
    for task in ("isp_redefine", "isp_resisting_correction"):
        row = table.loc[(task, "all", "compute", "quadratic")]
        assert row["p_fdr"] < 0.001
        assert row["p_cluster_fdr"] < 0.05
        assert row["aicc"] < row["aicc_straight"] - 10
        at_12b = table.loc[(task, "pythia-12b", "tokens", "break")]
        assert at_12b["slope_before"] > 0 > at_12b["slope_after"]
    algebra = table.loc[("isp_repetitive_algebra", "pythia-12b", "tokens", "break")]
    assert algebra["at"] == pytest.approx(16000 * TOKENS_PER_STEP, rel=0.05)
    assert algebra["slope_before"] > 0 > algebra["slope_after"]
    assert 0.05 < algebra["p"] < 0.1


def test_what_cannot_be_compared_says_why() -> None:
    data = pd.concat(
        [
            grid(lambda p, t: 0 * t).assign(task="flat"),
            grid(lambda p, t: np.sin(9 * t + p), models=3).assign(task="few"),
            grid(lambda p, t: np.sin(9 * t + p), steps=STEPS[:5]).assign(task="short"),
        ]
    )
    table = breaks_table(data, dict.fromkeys(["flat", "few", "short", "none"], "accuracy"), resamples=49)
    reasons = table.groupby(["task", "group"])["reason"].first()
    assert reasons["flat", "all"] == "the value never varies"
    assert reasons["few", "all"] == "fewer than 4 sizes"
    assert reasons["few", "pythia-70m"] == ""
    assert reasons["short", "pythia-70m"] == "too few points (5; 7 are needed)"
    assert reasons["none", "all"] == "no values"


def test_unbalanced_grids_and_written_columns(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(size=64)
    write_table(grid(lambda p, t: noise).drop([0, 9, 33]), tmp_path / "accuracy.tsv", "accuracy")
    for name in ("a", "b"):
        write_breaks(tmp_path / "accuracy.tsv", tmp_path / f"{name}.tsv", {"t": "accuracy"}, seed=2, resamples=99)
    table = read_table(tmp_path / "a.tsv")
    assert tuple(table.columns) == COLUMNS["breaks"]
    assert len(table) == 2 * (2 + 8)
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()


def test_generalised_fits_are_statsmodels_own() -> None:
    """Two models whose neighbours correlate by 0.6, and independent of each other."""
    rng = np.random.default_rng(4)
    y, x = rng.normal(size=16), np.tile(X, 2)
    design = np.column_stack([np.ones(16), x - x.mean(), np.repeat([-1.0, 1.0], 8)])
    points = Dependence(Noise(0.6), np.tile(np.arange(8.0), 2), np.repeat([0, 1], 8))
    row = compare(y, comparisons(design, x, points)["quadratic"], None, 99, rng)
    covariance = np.kron(np.eye(2), 0.6 ** np.abs(np.subtract.outer(np.arange(8), np.arange(8))))
    richer = sm.GLS(y, np.column_stack([design, (x - x.mean()) ** 2]), covariance).fit()
    assert (row["f"], row["p"]) == (pytest.approx(richer.tvalues[-1] ** 2), pytest.approx(richer.pvalues[-1]))


@pytest.mark.parametrize("form", ["quadratic", "break"])
def test_noise_of_neighbours_is_no_bend(form: str) -> None:
    """One trajectory of 26 steps whose neighbours correlate by 0.8: told so, the tests hold; not told, they do not."""
    x, rng = np.log10(np.geomspace(1, 143000, 26)), np.random.default_rng(6)
    line, points = np.column_stack([np.ones(26), x - x.mean()]), Noise(0.8).over(x)
    told, untold = (comparisons(line, x, dependence)[form] for dependence in (points, None))
    samples = points.draw(300, rng)
    rates = [
        np.mean([float(str(compare(y, comparison, None, 19, rng)["p"])) < 0.05 for y in samples])
        for comparison in (told, untold)
    ]
    assert rates[0] <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert rates[1] > 0.2

"""Single questions: fates by hand, tests against statsmodels and scipy, intervals by simulation, tables from files."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa

from trajectories.analysis.flips import (
    NO_SCORES,
    Draws,
    fates,
    fates_table,
    flips_table,
    intervals_table,
    mcnemar_p,
    overlap_table,
    resampled_means,
)
from trajectories.analysis.losses import losses_table, margins_table, of_losses
from trajectories.analysis.points import generator
from trajectories.analysis.question_grid import QuestionGrid, pack, question_grids
from trajectories.analysis.question_tables import QuestionOutputs, write_question_tables
from trajectories.analysis.questions_stage import questions_of_study
from trajectories.questions.question import Question
from trajectories.questions.stored import write_questions
from trajectories.study.sections import Statistics
from trajectories.tables import COLUMNS, read_table, write_table

METRICS = {"t": "accuracy"}


def grid_of(right: np.ndarray, model: str = "m", margin: np.ndarray | None = None) -> QuestionGrid:
    steps = 2 ** np.arange(len(right))
    return QuestionGrid(
        model=model,
        parameters=len(model),
        task="t",
        steps=steps,
        tokens=steps * 100,
        questions=np.arange(right.shape[1]),
        packed=pack(right.astype(bool)),
        margin=np.where(right, 1.0, -1.0) if margin is None else margin,
        value=right.astype(np.float32),
    )


def drifting(seed: int, steps: int = 6, questions: int = 400) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ability = rng.normal(size=questions) + np.linspace(0, -1, steps)[:, None]
    return ability + rng.normal(size=(steps, questions)) > 0


@pytest.mark.parametrize(("learnt", "lost"), [(0, 0), (5, 0), (3, 11), (40, 41), (200, 120)])
def test_mcnemar_is_statsmodels_exact_one(learnt: int, lost: int) -> None:
    assert mcnemar_p(learnt, lost) == pytest.approx(mcnemar([[7, lost], [learnt, 3]], exact=True).pvalue)


def test_fates_by_hand() -> None:
    courses = {
        "always_right": ["1111"],
        "never_right": ["0000"],
        "learnt": ["0011", "0111", "1011"],
        "lost_for_good": ["1100", "0100", "1000"],
        "unsettled": ["1110", "0001", "1010", "0101"],
    }
    flat = [course for group in courses.values() for course in group]
    right = np.array([[int(c) for c in course] for course in flat]).T
    expected = {name: [course in group for course in flat] for name, group in courses.items()}
    assert {name: mask.tolist() for name, mask in fates(right.astype(bool)).items()} == expected
    row = fates_table([grid_of(right)]).iloc[0]
    assert row["ever_lost"] == sum("10" in course for course in flat)


def test_every_question_has_exactly_one_fate() -> None:
    for steps in (1, 2, 3, 9):
        assert (np.sum(list(fates(drifting(steps, steps)).values()), axis=0) == 1).all()


def test_flips_count_what_changed_between_checkpoints() -> None:
    right = drifting(1)
    table = flips_table([grid_of(right)], seed=1, resamples=500)
    following = table[table["kind"] == "next"].reset_index(drop=True)
    assert len(following) == 5
    for index, row in following.iterrows():
        was, now = right[int(index)], right[int(index) + 1]
        assert row["learnt"] == sum(a < b for a, b in zip(was, now, strict=True))
        assert row["lost"] == sum(a > b for a, b in zip(was, now, strict=True))
        assert row["difference"] == pytest.approx(now.mean() - was.mean())
        assert row["low"] <= row["difference"] <= row["high"]
    assert following["p_fdr"].tolist() == pytest.approx(list(stats.false_discovery_control(following["p"])))
    best = table[table["kind"] == "best-last"].iloc[0]
    picked = int(right.sum(axis=1).argmax())
    changed = (int((right[-1] & ~right[picked]).sum()), int((right[picked] & ~right[-1]).sum()))
    assert (best["learnt"], best["lost"]) == changed
    assert best["p_questions"] == pytest.approx(min(1, 5 * mcnemar_p(*changed)))
    assert following["p"].tolist() == following["p_questions"].tolist()


def test_a_drop_is_not_sure_where_checkpoints_swing() -> None:
    """By questions alone the fall is clear, but the trajectory swings as far at every step."""
    rng = np.random.default_rng(2)
    levels = np.array([0.6, 0.4, 0.65, 0.35, 0.6, 0.45, 0.65, 0.4])
    smooth = np.array([0.65, 0.65, 0.64, 0.63, 0.6, 0.55, 0.48, 0.4])
    hard = rng.random(1000)
    swinging, falling = (
        flips_table([grid_of(hard < level[:, None])], 1, 100, serial=0).set_index("kind").loc["best-last"]
        for level in (levels, smooth)
    )
    assert max(swinging["p_questions"], falling["p_questions"]) < 1e-6
    assert swinging["p"] > 0.1
    assert falling["p"] < 0.01


def test_paired_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Two checkpoints whose true difference is known; answers are strongly paired."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        u = rng.random(300)
        right = np.stack([u < 0.6, np.where(rng.random(300) < 0.9, u < 0.5, u < 0.6)])
        row = flips_table([grid_of(right)], seed=1, resamples=400).iloc[0]
        held += row["low"] <= 0.5 * 0.9 + 0.6 * 0.1 - 0.6 <= row["high"]
    assert held / 300 == pytest.approx(0.95, abs=0.04)


def test_no_change_is_seldom_called_one() -> None:
    rng = np.random.default_rng(5)
    p = []
    for _ in range(500):
        u = rng.random(200)
        right = np.stack([u < 0.5, np.abs(u - rng.choice([0.0, 0.1])) < 0.5])
        swap = rng.random(200) < 0.5  # which checkpoint a question's answer belongs to is a coin's choice
        right = np.where(swap, right, right[::-1])
        p.append(float(mcnemar_p((right[1] & ~right[0]).sum(), (right[0] & ~right[1]).sum())))
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 500)


def test_bootstrap_means_are_those_of_drawn_questions() -> None:
    values = np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32)
    means = resampled_means(values, Draws(7, 120).of("task", values.shape[1]))
    rng = generator(7, "task")
    drawn = np.vstack([rng.integers(50, size=(size, 50)) for size in (50, 50, 20)])
    expected = np.stack([values[:, row].mean(axis=1) for row in drawn])
    assert means == pytest.approx(expected, abs=1e-5)


def test_interval_width_is_the_binomial_one() -> None:
    right = drifting(2, steps=3, questions=2000)
    table = intervals_table([grid_of(right, "a"), grid_of(right[::-1], "b")], METRICS, Draws(1, 2000))
    accuracy = right.mean(axis=1)
    width = 2 * 1.96 * np.sqrt(accuracy * (1 - accuracy) / 2000)
    assert (table["high"] - table["low"])[:3].tolist() == pytest.approx(list(width), rel=0.08)
    assert table["value"].tolist() == pytest.approx([*accuracy, *accuracy[::-1]])
    # The same questions are drawn for all models, so the same answers get the same interval.
    assert table["low"][:3].tolist() == table["low"][3:][::-1].tolist()


def test_agreement_on_losses_is_kappa_and_fishers_test() -> None:
    a, b = drifting(1), drifting(1)
    b[:, ::3] = drifting(2)[:, ::3]
    row = overlap_table([grid_of(a, "a"), grid_of(b, "bb")]).iloc[0]
    x, y = fates(a)["lost_for_good"], fates(b)["lost_for_good"]
    table = np.array([[np.sum((x == i) & (y == j)) for j in (1, 0)] for i in (1, 0)])
    assert row["kappa"] == pytest.approx(cohens_kappa(table).kappa)
    assert row["p"] == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)
    assert row["expected"] == pytest.approx(x.sum() * y.sum() / 400)
    assert row["jaccard"] == pytest.approx((x & y).sum() / (x | y).sum())
    nothing = overlap_table([grid_of(a, "a"), grid_of(np.ones_like(a), "bb")]).iloc[0]
    assert nothing["reason"] == "one of the two lost none or all"


def test_losses_are_ranked_by_the_fall_of_all_models_that_lost_them() -> None:
    margin = np.array([[1, 4, 2, 1], [3, 1, 2, 1], [-1, -1, -3, 1], [-2, -1, -3, 1]], dtype=float)
    shallow = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [-4, 1, 1, 1], [-4, 1, 1, 1]], dtype=float)
    grids = [grid_of(margin > 0, "a", margin), grid_of(shallow > 0, "bb", shallow)]
    table = losses_table(grids, top=10)
    # Falls: model a loses question 0 by 5, 1 by 5, 2 by 5; model bb loses question 0 by 5 as well.
    assert table["question"].tolist()[0] == 0
    assert table["models"].tolist() == [2, 1, 1]
    assert set(table["question"]) == {0, 1, 2}
    assert table["fall"].tolist() == [5, 5, 5]
    first = table[table["question"] == 1].iloc[0]
    assert (first["best_step"], first["best_margin"], first["last_margin"]) == (1, 4, -1)
    courses = margins_table(of_losses(grids, table))
    course = courses[(courses["question"] == 1) & (courses["model"] == "a")]
    assert course["margin"].tolist() == [4, 1, -1, -1]
    assert course["right"].tolist() == [1, 1, 0, 0]
    assert len(courses) == 2 * 4 * 3


def write_study(folder: Path) -> tuple[pd.DataFrame, dict[tuple[str, int], Path]]:
    """Two models, three steps; the truth is choice 1 and loses to choice 0 while training goes on."""
    rng = np.random.default_rng(0)
    rows, scores = [], {}
    for parameters, model in ((10, "small"), (100, "large")):
        for step in (1, 2, 4):
            pull = rng.normal(size=30) + (step - 1) * np.linspace(-1, 3, 30)
            table = pd.DataFrame({"task": "t", "question": np.repeat(np.arange(30), 2), "choice": np.tile([0, 1], 30)})
            table["label"] = table["choice"]
            table["loglikelihood"] = -5.0 + np.where(table["choice"] == 0, pull[table["question"]], 0.5)
            table[["characters", "bytes", "words", "tokens"]] = 4
            table = table.assign(is_greedy=False, unconditional=np.nan, running=False)
            path = folder / f"{model}-{step}.parquet"
            table.sample(frac=1, random_state=step).to_parquet(path)
            scores[model, step] = path
            rows.append((model, parameters, step, step * 100))
    return pd.DataFrame(rows, columns=["model", "parameters", "step", "tokens"]), scores


def outputs_in(folder: Path) -> QuestionOutputs:
    names = ("intervals", "flips", "fates", "overlap", "losses", "margins")
    return QuestionOutputs(*(folder / f"{name}.tsv" for name in names))


def test_the_six_tables_from_files(tmp_path: Path) -> None:
    checkpoints, scores = write_study(tmp_path)
    questions = [Question(f"Question {i}\nsecond line", (" lure", " truth"), (0, 1)) for i in range(30)]
    write_questions(questions, tmp_path / "t.parquet", {})
    write_question_tables(checkpoints, scores, {"t": tmp_path / "t.parquet"}, outputs_in(tmp_path), METRICS, 1, 200, 5)
    for name in ("intervals", "flips", "fates", "overlap", "losses", "margins"):
        assert tuple(read_table(tmp_path / f"{name}.tsv").columns) == COLUMNS[name]
    intervals = read_table(tmp_path / "intervals.tsv")
    expected = {
        key: pd.read_parquet(path).sort_values(["question", "loglikelihood"]).groupby("question")["label"].last().mean()
        for key, path in scores.items()
    }
    for row in intervals.itertuples():
        assert row.value == pytest.approx(expected[row.model, row.step], abs=1e-6)
    losses = read_table(tmp_path / "losses.tsv")
    assert losses["rank"].tolist() == [1, 2, 3, 4, 5]
    assert set(losses["truth"]) == {" truth"}
    assert set(losses["lure"]) == {" lure"}
    assert losses["context"].iloc[0] == f"Question {losses['question'].iloc[0]}\\nsecond line"
    assert len(read_table(tmp_path / "margins.tsv")) == 5 * 6


def test_questions_missing_at_some_step_are_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints, scores = write_study(tmp_path)
    table = pd.read_parquet(scores["small", 2])
    table[table["question"] != 7].to_parquet(scores["small", 2])
    grids = question_grids(checkpoints, scores, METRICS)
    assert [len(grid.questions) for grid in grids] == [29, 30]
    assert "small, t: only 29 questions" in caplog.text
    assert intervals_table(grids, METRICS, Draws(1, 100))["questions"].tolist() == [29, 29, 29, 30, 30, 30]


def test_a_checkpoint_without_scores_is_simply_absent(tmp_path: Path) -> None:
    checkpoints, scores = write_study(tmp_path)
    del scores["large", 2]
    grids = question_grids(checkpoints, scores, METRICS)
    assert [grid.steps.tolist() for grid in grids] == [[1, 2, 4], [1, 4]]


def test_imported_accuracies_give_tables_that_say_why_they_are_empty(tmp_path: Path) -> None:
    checkpoints, _ = write_study(tmp_path)
    write_question_tables(checkpoints, {}, {}, outputs_in(tmp_path), METRICS)
    for name in ("flips", "fates", "overlap"):
        table = read_table(tmp_path / f"{name}.tsv")
        assert table["reason"].tolist() == [NO_SCORES]
        assert tuple(table.columns) == COLUMNS[name]
    for name in ("intervals", "losses", "margins"):
        assert read_table(tmp_path / f"{name}.tsv").empty


def test_the_stage_takes_files_where_the_workflow_puts_them(tmp_path: Path) -> None:
    checkpoints, scores = write_study(tmp_path)
    placed = []
    for (model, step), path in scores.items():
        target = tmp_path / "scores" / model / f"step{step}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        placed.append(path.rename(target))
    whole = checkpoints.reindex(columns=COLUMNS["checkpoints"]).assign(used=True)
    whole.loc[whole["step"] == 2, "used"] = False
    write_table(whole, tmp_path / "checkpoints.tsv", "checkpoints")
    questions_of_study(
        checkpoints=tmp_path / "checkpoints.tsv", scores=placed, questions=[], outputs=asdict(outputs_in(tmp_path)),
        metrics=METRICS, statistics=Statistics(seed=1, resamples=100).canonical(),
    )  # fmt: skip
    assert set(read_table(tmp_path / "intervals.tsv")["step"]) == {1, 4}
    assert read_table(tmp_path / "losses.tsv")["truth"].isna().all()

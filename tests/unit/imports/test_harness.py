import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from trajectories.errors import UserError
from trajectories.imports.harness import read_harness
from trajectories.imports.reading import questions_behind

Writer = Callable[..., Path]


def test_v03_gives_every_metric_with_the_files_own_model(v03: Writer) -> None:
    readings = read_harness(v03())
    assert {(r.task, r.metric): r.value for r in readings} == {
        ("isp_memo_trap", "accuracy"): 0.75,
        ("isp_memo_trap", "accuracy_norm"): 0.5,
        ("truthfulqa_mc", "mc1"): 0.25,
        ("truthfulqa_mc", "mc2"): 0.4567,
    }
    assert {(r.model, r.revision) for r in readings} == {("org/pocket-1", "step2")}


def test_v03_question_counts_are_worked_back_from_the_standard_error(v03: Writer) -> None:
    counts = {r.metric: r.questions for r in read_harness(v03()) if r.task == "isp_memo_trap"}
    assert counts["accuracy"] == 100
    assert counts["accuracy_norm"] is None, "0.5 ± 0.05 is 101 questions, of which no half can be right"


@pytest.mark.parametrize(("right", "questions"), [(1, 2), (179, 315), (8182, 20897)])
def test_questions_behind_inverts_the_harness_formula(right: int, questions: int) -> None:
    share = right / questions
    assert questions_behind(share, (share * (1 - share) / (questions - 1)) ** 0.5) == questions


def test_questions_behind_refuses_to_guess() -> None:
    assert questions_behind(1.0, 0.0) is None
    assert questions_behind(0.494, 0.0157473) is None
    assert questions_behind(0.5, None) is None


def test_a_folder_is_read_whole_and_in_order(v03: Writer) -> None:
    v03("b/x.json".replace("/", "_"), "pretrained=org/pocket-2,revision=step8")
    folder = v03("a.json").parent
    assert [r.file.name for r in read_harness(folder)] == ["a.json"] * 4 + ["b_x.json"] * 4


def test_v04_filters_groups_counts_and_a_mapping_of_arguments(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    memo = {
        "acc,none": 0.5,
        "acc_stderr,none": 0.1,
        "acc,strict": 0.9,
        "acc_norm,none": 0.25,
        "acc_norm_stderr,none": "N/A",
        "alias": " - memo",
    }
    content = {
        "results": {"inverse_scaling_memo_trap": memo, "truthfulqa_mc1": {"acc,none": 0.3}, "mine": {"acc,none": 0.4}},
        "groups": {"mine": {"acc,none": 0.4}},
        "group_subtasks": {"mine": ["inverse_scaling_memo_trap"], "truthfulqa_mc1": []},
        "n-samples": {"inverse_scaling_memo_trap": {"original": 936, "effective": 26}},
        "config": {"model_args": {"pretrained": "org/pocket-1", "revision": "step8"}},
    }
    file.write_text(json.dumps(content))
    readings = {(r.task, r.metric): r for r in read_harness(file)}
    assert set(readings) == {
        ("inverse_scaling_memo_trap", "accuracy"),
        ("inverse_scaling_memo_trap", "accuracy_norm"),
        ("truthfulqa_mc1", "mc1"),
    }
    memo_trap = readings["inverse_scaling_memo_trap", "accuracy"]
    assert (memo_trap.value, memo_trap.stderr, memo_trap.questions, memo_trap.revision) == (0.5, 0.1, 26, "step8")
    assert readings["inverse_scaling_memo_trap", "accuracy_norm"].stderr is None


def test_a_file_cut_short_is_named(v03: Writer) -> None:
    file = v03()
    file.write_text(file.read_text()[:200])
    with pytest.raises(UserError, match=r"pocket-1_step2\.json: cut short or not JSON"):
        read_harness(file)


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"results": {}}', '{"results": {"a": 1}, "config": {}}', '{"results": [], "config": {}}']
)
def test_another_layout_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(UserError, match=r"other\.json: not a result file"):
        read_harness(tmp_path)


@pytest.mark.parametrize("value", [1.2, -0.1, 56.8, float("nan"), "0.5", True, None])
def test_a_number_that_is_no_share_is_named(v03: Writer, value: object) -> None:
    with pytest.raises(UserError, match=r"pocket-1_step2\.json: 'acc' of task 'isp_neqa'"):
        read_harness(v03(isp_neqa={"acc": value}))


def test_a_file_without_model_is_named(v03: Writer) -> None:
    with pytest.raises(UserError, match=r"names no model"):
        read_harness(v03(model_args="dtype=float16"))


def test_a_file_without_our_metrics_is_named(v03: Writer) -> None:
    with pytest.raises(UserError, match=r"nothing to import"):
        read_harness(v03(lambada={"ppl": 12.0}))


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"does not exist"):
        read_harness(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"holds no \.json file"):
        read_harness(tmp_path)


def test_a_partial_run_is_warned_of(v03: Writer, caplog: pytest.LogCaptureFixture) -> None:
    file = v03()
    file.write_text(file.read_text().replace('"limit": null', '"limit": 10'))
    with caplog.at_level(logging.WARNING):
        read_harness(file)
    assert "--limit 10" in caplog.text

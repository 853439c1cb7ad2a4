import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support.imports import read_harness
from trajectories.errors import UserError
from trajectories.imports.files import files_of
from trajectories.imports.harness import ENDINGS
from trajectories.imports.reading import Made, questions_behind

Writer = Callable[..., Path]


def test_v03_gives_every_metric_with_the_files_own_model(v03: Writer) -> None:
    readings = read_harness(v03())
    assert {(r.task, r.metric): r.value for r in readings} == {
        ("isp_memo_trap", "acc"): 0.75,
        ("isp_memo_trap", "acc_norm"): 0.5,
        ("truthfulqa_mc", "mc1"): 0.25,
        ("truthfulqa_mc", "mc2"): 0.4567,
    }
    assert {(r.model, r.revision) for r in readings} == {("org/pocket-1", "step2")}


def test_v03_question_counts_are_worked_back_from_the_standard_error(v03: Writer) -> None:
    counts = {r.metric: r.questions for r in read_harness(v03()) if r.task == "isp_memo_trap"}
    assert counts["acc"] == 100
    assert counts["acc_norm"] is None, "0.5 ± 0.05 is 101 questions, of which no half can be right"


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
    readings = {(r.task, r.metric, r.filter): r for r in read_harness(file)}
    assert set(readings) == {
        ("inverse_scaling_memo_trap", "acc", "none"),
        ("inverse_scaling_memo_trap", "acc", "strict"),
        ("inverse_scaling_memo_trap", "acc_norm", "none"),
        ("truthfulqa_mc1", "acc", "none"),
        ("mine", "acc", "none"),
    }
    memo_trap = readings["inverse_scaling_memo_trap", "acc", "none"]
    assert (memo_trap.value, memo_trap.stderr, memo_trap.questions, memo_trap.revision) == (0.5, 0.1, 26, "step8")
    assert readings["inverse_scaling_memo_trap", "acc_norm", "none"].stderr is None


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


def test_every_number_is_read_whatever_its_metric(v03: Writer) -> None:
    read = read_harness(v03(lambada={"ppl": 12.0, "ppl_stderr": 0.4, "acc": 0.5}, other={"f1": 0.25, "note": "text"}))
    assert {(r.task, r.metric): r.value for r in read} == {
        ("lambada", "ppl"): 12.0, ("lambada", "acc"): 0.5, ("other", "f1"): 0.25,
    }  # fmt: skip


def test_shots_versions_and_what_else_a_file_says_of_itself(tmp_path: Path) -> None:
    content = {
        "results": {"piqa": {"acc,none": 0.5}, "sciq": {"acc,none": 0.5}},
        "n-shot": {"piqa": 5},
        "versions": {"piqa": 1.0},
        "lm_eval_version": "0.4.9",
        "git_hash": "abc",
        "config": {
            "model_args": "pretrained=o/m,peft=runs/lora",
            "limit": 10.0,
            "num_fewshot": 2,
            "model_dtype": "torch.float16",
        },
    }
    (tmp_path / "r.json").write_text(json.dumps(content))
    piqa, sciq = read_harness(tmp_path)
    assert (piqa.shots, sciq.shots, piqa.version, sciq.version) == (5, 2, "1.0", None)
    assert piqa.made == Made(harness="0.4.9", commit="abc", limit="10", dtype="float16", peft="runs/lora")


def test_lightevals_layout(tmp_path: Path) -> None:
    content = {
        "config_general": {"model_name": "org/pocket-1", "lighteval_sha": "abc", "max_samples": None},
        "results": {
            "lighteval|arc:challenge|25": {"acc": 0.5, "acc_stderr": 0.1},
            "boolq|0": {"em": 0.25},
            "all": {"acc": 0.4},
        },
    }
    (tmp_path / "r.json").write_text(json.dumps(content))
    read = read_harness(tmp_path)
    assert [(r.task, r.metric, r.value, r.shots, r.model) for r in read] == [
        ("lighteval|arc:challenge|25", "acc", 0.5, 25, "org/pocket-1"), ("boolq|0", "em", 0.25, 0, "org/pocket-1"),
    ]  # fmt: skip


def test_folders_links_globs_lists_and_packed_files_are_followed(v03: Writer, tmp_path: Path) -> None:
    folder = v03("one.json").parent
    (tmp_path / "linked").symlink_to(folder)
    (tmp_path / "linked" / "again").symlink_to(folder)  # a circle
    packed = tmp_path / "packed" / "two.json.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress((folder / "one.json").read_bytes()))
    assert len(files_of(str(tmp_path / "linked"), ENDINGS)) == 1
    assert [file.name for file in files_of([str(tmp_path / "**" / "*.json*"), str(packed)], ENDINGS)][
        -1
    ] == "two.json.gz"
    assert [r.value for r in read_harness(packed)] == [r.value for r in read_harness(folder / "one.json")]
    packed.write_bytes(packed.read_bytes()[:40])
    with pytest.raises(UserError, match=r"two\.json\.gz: cannot be read"):
        read_harness(packed)


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"does not exist"):
        read_harness(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"holds no \.json or \.json\.gz file"):
        read_harness(tmp_path)

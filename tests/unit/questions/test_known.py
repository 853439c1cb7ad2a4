"""The list of what a study may name."""

import pytest

from trajectories.questions.catalogue import known_tasks
from trajectories.questions.known import as_text, harness_rows, known_rows, print_known


def test_every_known_task_is_listed_with_its_metric_and_source() -> None:
    rows = {row[0]: row for row in known_rows()}
    assert list(rows) == list(known_tasks())
    assert rows["truthfulqa_mc2"][1:] == (
        "817", "mc2", "truthfulqa/truthful_qa/multiple_choice/validation", "TruthfulQA-MC2",
    )  # fmt: skip


def test_a_word_filters_by_name_label_description_and_source() -> None:
    assert [row[0] for row in known_rows("MEMO TRAP")] == [
        "inverse_scaling_memo_trap", "memo_trap", "pocket_memo_trap",
    ]  # fmt: skip
    assert {row[0] for row in known_rows("albertmade")} > {"inverse_scaling_memo_trap", "inverse_scaling_sig_figs"}
    assert "pocket_neqa" in {row[0] for row in known_rows("person of the village")}
    assert list(known_rows("no such word")) == []


def test_columns_line_up() -> None:
    text = as_text([("task", "n", "metric", "source", "label"), ("a", "10", "accuracy", "b", "c d")])
    assert text.splitlines() == ["task  n   metric    source  label", "a     10  accuracy  b       c d"]


@pytest.mark.slow
def test_the_harness_tasks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("lm_eval")
    rows = {row[0]: row for row in harness_rows("lambada_openai")}
    assert rows["{harness: lambada_openai}"][2:4] == ("perplexity, acc", "EleutherAI/lambada_openai/default")
    print_known("arc_easy")
    assert "{harness: arc_easy}" in capsys.readouterr().out

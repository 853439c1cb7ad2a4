"""Layouts, single continuations, running text and samples in one real run, drawn and fitted along the loss."""

import json
from pathlib import Path

import pandas as pd
import pytest

from support.models import TEXT
from support.studies import Toy, make_toy
from trajectories.questions.stored import question_metadata
from trajectories.scoring.scores import read_scores

SENTENCES = [sentence.strip() for text in TEXT for sentence in text.split(".") if len(sentence.split()) > 3]


def write_lines(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)))
    return f"tasks/{path.name}"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    toy = make_toy(tmp_path_factory.mktemp("own"), steps=(1, 2, 4))
    folder = toy.root / "tasks"
    texts: list[dict[str, object]] = [{"text": sentence} for sentence in SENTENCES]
    pairs: list[dict[str, object]] = [{"sentence_good": f"{s}.", "sentence_bad": f"{s} {s}"} for s in SENTENCES]
    (folder / "book.txt").write_text(" ".join(TEXT * 3))
    pd.DataFrame({"goal": SENTENCES, "sol1": "yes", "sol2": "no", "label": 0}).to_csv(
        folder / "goals.csv", sep=";", index=False
    )
    toy.config["tasks"] = [
        {"name": "book", "text": {"file": "tasks/book.txt"}},
        {"name": "last_word", "layout": "lambada", "file": write_lines(folder / "words.jsonl", texts)},
        {"name": "pairs", "layout": "blimp", "file": write_lines(folder / "pairs.jsonl", pairs), "sample": 5},
        {"name": "goals", "layout": "piqa", "file": "tasks/goals.csv", "metric": "accuracy_pmi"},
    ]
    toy.config["statistics"] = {"axis": "loss"}
    toy.succeed("results/toy/by_axis.tsv", "results/toy/tasks.tsv", "results/toy/figures/accuracy.svg")
    return toy


def test_scores_are_one_row_per_choice(toy: Toy) -> None:
    scores = read_scores(toy.results / "scores" / "tiny-a" / "step1.parquet").set_index("task")
    counts = scores.groupby("task").size().to_dict()
    assert counts == {"book": 1, "last_word": len(SENTENCES), "pairs": 10, "goals": 2 * len(SENTENCES)}
    assert scores.loc["book", "running"]
    assert scores.loc["book", "words"] == len(" ".join(TEXT * 3).split())
    assert scores.loc["goals", "unconditional"].notna().all()
    assert scores.loc["pairs", "unconditional"].isna().all()


def test_each_task_has_the_metrics_its_questions_allow(toy: Toy) -> None:
    accuracy = pd.read_csv(toy.results / "accuracy.tsv", sep="\t")
    metrics = accuracy.groupby("task")["metric"].agg(set).to_dict()
    assert metrics["book"] == {"bits_per_byte", "word_perplexity"}
    assert metrics["last_word"] == {"greedy", "perplexity", "bits_per_byte", "sequence_loss"}
    assert "accuracy_pmi" in metrics["goals"]
    assert "accuracy_pmi" not in metrics["pairs"]


def test_the_sample_and_the_separator_are_said(toy: Toy) -> None:
    tasks = pd.read_csv(toy.results / "tasks.tsv", sep="\t").set_index("task")
    assert (tasks.loc["pairs", "questions"], tasks.loc["pairs", "available"]) == (5, len(SENTENCES))
    assert question_metadata(toy.results / "questions" / "pairs.parquet")["available"] == str(len(SENTENCES))
    assert "separated by semicolons" in (toy.results / "logs" / "questions" / "goals.log").read_text()


def test_the_regression_along_the_loss_leaves_the_text_out(toy: Toy) -> None:
    table = pd.read_csv(toy.results / "by_axis.tsv", sep="\t")
    assert set(table["task"]) == {"last_word", "pairs", "goals"}
    assert set(table["term"]) == {"parameters", "loss", "interaction"}
    assert "bits per byte" in (toy.results / "figures" / "accuracy.svg").read_text()

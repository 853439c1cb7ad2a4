"""A study with answers that models write: texts, metrics and what is kept, in one real run."""

from pathlib import Path

import pandas as pd
import pytest

from support.models import TEXT
from support.studies import Toy, make_toy
from trajectories.scoring.load import load_model, load_tokenizer
from trajectories.scoring.scores import read_scores
from trajectories.tables import read_table

STEPS = (1, 2)
NEW = 5


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    toy = make_toy(tmp_path_factory.mktemp("written"), models=("tiny-a",), steps=STEPS)
    answer = {"by": "generation", "new_tokens": NEW, "stop": ["\n"], "pattern": r"(\w+)"}
    toy.config["tasks"] += [
        {"name": "said", "file": "tasks/sums.csv", "answer": answer},
        {"name": "silent", "file": "tasks/sums.csv", "answer": answer | {"pattern": "(no model says this)"}},
        {"name": "chained", "of": "sums", "file": "tasks/sums.csv", "chain": {"examples": "neqa", "count": 1},
         "answer": answer},
    ]  # fmt: skip
    toy.succeed("generations", "results/toy/tasks.tsv", "results/toy/report.html")
    return toy


def texts(toy: Toy, step: int) -> pd.DataFrame:
    return pd.read_parquet(toy.results / "generations" / "tiny-a" / f"step{step}.parquet").set_index("task")


def plainly(folder: Path, prompt: str) -> str:
    """What a model writes after a prompt, token by token, without batches and caches."""
    import torch

    model, tokenizer = load_model(folder, "float32", "cpu"), load_tokenizer(folder)
    ids = tokenizer(prompt)["input_ids"]
    start = len(ids)
    for _ in range(NEW):
        ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
        if ids[-1] == model.config.eos_token_id:
            break
    return str(tokenizer.decode(ids[start:], skip_special_tokens=True)).split("\n")[0]


def test_texts_are_what_the_model_writes(toy: Toy) -> None:
    for step in STEPS:
        said = texts(toy, step).loc["said"]
        assert list(said["question"]) == list(range(12))
        assert (said["tokens"] <= NEW).all()
        expected = plainly(toy.root / "suite" / "tiny-a" / f"step{step}", "Two plus 3 is")
        assert said.iloc[3]["text"] == expected
    assert len(TEXT) == 3


def test_scores_and_metrics_say_what_the_texts_say(toy: Toy) -> None:
    accuracy = pd.read_csv(toy.results / "accuracy.tsv", sep="\t").set_index(["task", "step", "metric"])["value"]
    for step in STEPS:
        for task in ("said", "silent"):
            own = texts(toy, step).loc[task]
            assert accuracy[task, step, "accuracy"] == pytest.approx(own["right"].mean())
            assert accuracy[task, step, "answered"] == pytest.approx(own["answer"].notna().mean())
        assert accuracy["silent", step, "answered"] == 0
        scores = read_scores(toy.results / "scores" / "tiny-a" / f"step{step}.parquet")
        said = scores[scores["task"] == "said"]
        assert said["loglikelihood"].isna().all()
        assert (said.groupby("question")["is_greedy"].sum() <= 1).all()
    assert set(accuracy.loc["said"].index.get_level_values("metric")) == {
        "accuracy",
        "accuracy_balanced",
        "answered",
        "greedy",
    }
    assert "answered" not in accuracy.loc["sums"].index.get_level_values("metric")


def test_answers_are_counted_among_the_texts_that_hold_one(toy: Toy) -> None:
    answers = read_table(toy.results / "answers.tsv", "answers").set_index(["task", "step"])
    choices = {"four": 0, "five": 1}
    for step in STEPS:
        said = texts(toy, step).loc["said", "answer"].dropna().str.casefold()
        shares = said.map(choices).value_counts() / len(said)
        assert answers.loc[("said", step), "share_text"] == pytest.approx(shares.max() if len(shares) else 0)
        assert answers.loc[("said", step), "by"] == "answers"
        assert pd.isna(answers.loc[("silent", step), "share_text"])
        assert str(answers.loc[("silent", step), "constant"]) == "False"


def test_a_pattern_that_fits_nowhere_is_said_once_with_three_texts(toy: Toy) -> None:
    log = (toy.results / "logs" / "generations.log").read_text()
    assert log.count("answer.pattern finds no answer in any text") == 1
    line = next(line for line in log.splitlines() if "finds no answer" in line)
    assert "task silent" in line
    assert all(repr(text[:80]) in line for text in texts(toy, 1).loc["silent", "text"].head(3))


def test_the_report_shows_ten_texts_of_each_task(toy: Toy) -> None:
    table = read_table(toy.results / "texts.tsv", "texts")
    assert table.groupby(["task", "step"]).size().to_dict() == {
        (t, s): 10 for t in ("said", "silent", "chained") for s in STEPS
    }
    own = table[(table["task"] == "said") & (table["step"] == 2)].set_index("question")
    assert (own.index[0], own.index[-1]) == (0, 11)
    kept = texts(toy, 2).loc["said"].set_index("question").loc[own.index]
    assert list(own["right"]) == list(kept["right"])
    assert own["answer"].isna().tolist() == kept["answer"].isna().tolist()
    assert own.loc[0, "truth"] == " four"
    assert "What models write" in (toy.results / "report.html").read_text()


def test_ways_of_asking_stand_side_by_side(toy: Toy) -> None:
    table = read_table(toy.results / "protocols.tsv", "protocols")
    assert table["asked"].tolist() == ["sums", "chained"]
    assert table["way"].tolist() == ["0-shot", "chain of thought, 1 example"]
    assert "One task, several ways of asking" in (toy.results / "report.html").read_text()


def test_texts_come_from_the_store(toy: Toy) -> None:
    before = texts(toy, 2)
    for file in (toy.results / "generations" / "tiny-a").glob("*"):
        file.unlink()
    toy.succeed("generations")
    assert texts(toy, 2).equals(before)

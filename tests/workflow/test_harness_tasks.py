"""Tasks of the evaluation harness in a real run, from their names in a config to the tables and the figure."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from support.harness_tasks import write_tasks
from support.studies import Toy, make_toy
from trajectories.questions.stored import question_metadata
from trajectories.tables import read_table

TARGETS = ("results/toy/accuracy.tsv", "results/toy/tasks.tsv", "results/toy/figures/accuracy.svg")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    toy = make_toy(tmp_path_factory.mktemp("harness"), models=["tiny-a"], steps=[1])
    folder = write_tasks(toy.root / "yamls", ["mmlu_anatomy", "mmlu_virology", "wikitext"])
    group = {"group": "mmlu", "task": ["mmlu_anatomy", "mmlu_virology"],
             "aggregate_metric_list": [{"metric": "acc", "weight_by_size": True}]}  # fmt: skip
    (folder / "mmlu.yaml").write_text(yaml.safe_dump(group))
    toy.config["tasks"] = [{"harness": "mmlu", "shots": 2, "include": "yamls"},
                           {"harness": "wikitext", "include": "yamls"}]  # fmt: skip
    toy.config["protocol"] = {"preset": "harness", "choice_prefix": "??"}  # not for tasks whose choices are whole
    toy.succeed(*TARGETS)
    return toy


def test_tables_and_figure_speak_of_the_group(toy: Toy) -> None:
    tasks = read_table(toy.results / "tasks.tsv", "tasks").set_index("task")
    assert list(tasks.index) == ["mmlu_anatomy", "mmlu_virology", "wikitext", "mmlu"]
    assert tasks["part_of"].fillna("").tolist() == ["mmlu", "mmlu", "", ""]
    assert tasks.loc["mmlu_anatomy", ["questions", "shots", "version"]].tolist() == [6, 2, "lm_eval 0.4.13 1.0"]
    assert tasks.loc["mmlu", ["questions", "chance"]].tolist() == [9, 0.25]
    figure = (toy.results / "figures" / "accuracy.svg").read_text()
    assert ">mmlu</text>" in figure
    assert ">mmlu_anatomy</text>" not in figure


def test_the_value_of_the_group_is_that_of_its_questions(toy: Toy) -> None:
    accuracy = read_table(toy.results / "accuracy.tsv", "accuracy")
    right = accuracy[accuracy["metric"] == "accuracy"].set_index("task")
    scores = pd.read_parquet(toy.results / "scores" / "tiny-a" / "step1.parquet")
    mmlu = scores[scores["task"].str.startswith("mmlu")]
    best = mmlu.loc[mmlu.groupby(["task", "question"])["loglikelihood"].idxmax()]
    assert right.loc["mmlu", "value"] == pytest.approx(best["label"].mean())
    assert right.loc["mmlu", "questions"] == 9


def test_answers_are_counted_by_task_and_the_group_is_judged_by_accuracy(toy: Toy) -> None:
    answers = read_table(toy.results / "answers.tsv", "answers").set_index("task")
    assert list(answers.index) == ["mmlu_anatomy", "mmlu_virology", "wikitext", "mmlu"]
    assert answers["by"].fillna("").tolist()[:2] == ["answers", "answers"]
    scores = pd.read_parquet(toy.results / "scores" / "tiny-a" / "step1.parquet")
    anatomy = scores[scores["task"] == "mmlu_anatomy"]
    best = anatomy.loc[anatomy.groupby("question")["loglikelihood"].idxmax()]
    share = best["choice"].value_counts(normalize=True).max()
    assert answers.loc["mmlu_anatomy", "share_position"] == pytest.approx(share)
    assert answers.loc[["wikitext", "mmlu"], "share_position"].isna().all()


def test_where_the_questions_came_from_is_in_their_file(toy: Toy) -> None:
    origin = question_metadata(toy.results / "questions" / "mmlu_anatomy.parquet")["origin"]
    for part in ("lm_eval 0.4.13", "mmlu_anatomy", '"shots": "2"', '"version": "1.0"'):
        assert part in origin


def test_a_changed_yaml_asks_again_and_nothing_else_does(toy: Toy) -> None:
    assert "Nothing to be done" in toy.succeed("--dry-run", *TARGETS)
    changed: Path = toy.root / "yamls" / "wikitext.yaml"
    changed.write_text(changed.read_text() + "metadata: {version: 2.5}\n")
    assert toy.planned(*TARGETS)["questions"] == 3

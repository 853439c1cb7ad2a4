"""Tasks of the evaluation harness that let the model write, in a real run: from their names to the report."""

import json
import re

import pandas as pd
import pytest
import yaml

from support.harness_tasks import TASKS
from support.studies import Toy, make_toy
from trajectories.tables import read_table

STEPS = (1, 2)
FILTERS = [
    {"name": "strict-match", "filter": [{"function": "regex", "regex_pattern": r"([a-z]{3,})"},
                                        {"function": "take_first"}]},
    {"name": "whole", "filter": [{"function": "remove_whitespace"}, {"function": "take_first"}]},
]  # fmt: skip


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    toy = make_toy(tmp_path_factory.mktemp("texts"), models=("tiny-a",), steps=STEPS)
    folder = toy.root / "yamls"
    folder.mkdir()
    files = {}
    for split, count in (("train", 4), ("test", 12)):
        rows = [{"question": f"{k} and {k * k}", "answer": "the" if k % 2 else "and"} for k in range(count)]
        files[split] = str(folder / f"{split}.jsonl")
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    own = {"include": str(TASKS / "gsm8k" / "gsm8k.yaml"), "dataset_path": "json", "dataset_name": None,
           "dataset_kwargs": {"data_files": files}, "num_fewshot": 1, "filter_list": FILTERS,
           "generation_kwargs": {"until": ["Question:"], "max_gen_toks": 9, "do_sample": False}}  # fmt: skip
    for name in ("sums_a", "sums_b"):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"task": name, **own}))
    group = {"group": "both", "task": ["sums_a", "sums_b"],
             "aggregate_metric_list": [{"metric": "exact_match", "weight_by_size": True,
                                        "filter_list": ["strict-match", "whole"]}]}  # fmt: skip
    (folder / "both.yaml").write_text(yaml.safe_dump(group))
    toy.config["tasks"] = [{"harness": "both", "include": "yamls"}]  # nothing is scored in this study
    toy.succeed()
    return toy


def texts(toy: Toy, step: int) -> pd.DataFrame:
    return pd.read_parquet(toy.results / "generations" / "tiny-a" / f"step{step}.parquet").set_index("task")


def test_metrics_are_made_of_the_texts_kept(toy: Toy) -> None:
    accuracy = read_table(toy.results / "accuracy.tsv", "accuracy").set_index(["task", "step", "metric"])
    for step in STEPS:
        own = texts(toy, step).loc["sums_a"]
        assert list(own["question"]) == list(range(12))
        assert (own["tokens"] <= 9).all()
        found = [re.findall("[a-z]{3,}", text)[:1] for text in own["text"]]
        assert own["answer"].fillna("-").tolist() == [words[0] if words else "-" for words in found]
        right = [words == ["the" if k % 2 else "and"] for k, words in enumerate(found)]
        assert own["right"].tolist() == right
        values = accuracy.loc[("sums_a", step)]
        assert set(values.index) == {"exact_match,strict-match", "exact_match,whole", "answered"}
        assert values.loc["exact_match,strict-match", "value"] == pytest.approx(sum(right) / 12)
        assert values.loc["answered", "value"] == pytest.approx(sum(map(bool, found)) / 12)
        assert (values["questions"] == 12).all()
    both = accuracy.loc[("both", 1, "exact_match,strict-match")]
    assert (both["questions"], both["value"]) == (24, accuracy.loc[("sums_a", 1, "exact_match,strict-match"), "value"])


def test_tables_and_page_speak_of_the_harness_s_metric(toy: Toy) -> None:
    tasks = read_table(toy.results / "tasks.tsv", "tasks").set_index("task")
    assert tasks.loc["both", "metric"] == "exact_match,strict-match"
    assert tasks.loc["sums_a", ["questions", "shots"]].tolist() == [12, 1]
    assert pd.isna(tasks.loc["sums_a", "chance"])
    shown = read_table(toy.results / "texts.tsv", "texts")
    assert shown.groupby(["task", "step"]).size().to_dict() == {(t, s): 10 for t in ("sums_a", "sums_b") for s in STEPS}
    assert set(shown["truth"]) == {"the", "and"}
    page = (toy.results / "report.html").read_text()
    assert "What models write" in page
    assert "exact_match,strict-match" in page
    assert "Exact match, strict-match" in (toy.results / "figures" / "accuracy.svg").read_text()


def test_another_metric_asks_no_model_again(toy: Toy) -> None:
    toy.config["statistics"] = {"metrics": dict.fromkeys(("both", "sums_a", "sums_b"), "exact_match,whole")}
    toy.config["tasks"] += [{"name": "sums", "file": "tasks/sums.csv"}]
    before = texts(toy, 2)["text"].tolist()
    toy.succeed("results/toy/accuracy.tsv", "results/toy/tasks.tsv")
    own = texts(toy, 2)
    assert own["text"].tolist() == before
    assert own.loc["sums_a", "answer"].fillna("").tolist() == [text.strip() for text in own.loc["sums_a", "text"]]
    log = (toy.results / "logs" / "score" / "tiny-a").rglob("*")
    written = [path for path in log if "sums_a" in path.read_text()]
    assert written == []
    accuracy = read_table(toy.results / "accuracy.tsv", "accuracy")
    assert {"sums", "both"} <= set(accuracy["task"])


def test_the_harness_s_result_files_name_the_filters(toy: Toy) -> None:
    toy.succeed("export")
    made = json.loads((toy.results / "export" / "harness" / "tiny-a" / "results_step1.json").read_text())
    assert "exact_match,strict-match" in made["results"]["sums_a"]
    assert "exact_match_stderr,whole" in made["results"]["sums_a"]
    assert made["higher_is_better"]["sums_a"]["exact_match"]


def test_new_tokens_beyond_the_window_are_one_line(toy: Toy) -> None:
    place = toy.root / "yamls" / "sums_a.yaml"
    place.write_text(place.read_text().replace("max_gen_toks: 9", "max_gen_toks: 900"))
    done = toy.run("results/toy/accuracy.tsv")
    assert done.returncode != 0
    said = "its YAML's max_gen_toks: 900 leave no place for a question in the model's window of 96 tokens"
    assert said in done.stdout + done.stderr

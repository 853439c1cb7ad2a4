"""Where numbers made elsewhere go: every one finds its place, or is left out and counted, or refused."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from support.imports import placed, read_harness
from trajectories.errors import UserError
from trajectories.imports.accuracy import import_accuracy
from trajectories.imports.names import task_key
from trajectories.imports.reading import Made, Reading
from trajectories.imports.whole import filled_in
from trajectories.study.config import Study
from trajectories.tables import read_table, write_table

from .conftest import study_config

Writer = Callable[..., Path]


def reading(**changes: object) -> Reading:
    given = {
        "file": Path("mine.tsv"),
        "model": "org/pocket-1",
        "revision": "step2",
        "task": "neqa",
        "metric": "accuracy",
        "value": 0.5,
    }
    return Reading(**(given | changes))  # type: ignore[arg-type]


def study_of(**changes: Any) -> Study:
    return Study.from_config(study_config(**changes))


def importing(**changes: Any) -> dict[str, Any]:
    return {"import": {"format": "harness-json", "path": "results"} | changes}


def test_numbers_find_their_place(study: Study, v03: Writer) -> None:
    table, _ = placed(read_harness(v03()), study)
    assert table[["task", "metric", "value"]].values.tolist() == [
        ["memo_trap", "accuracy", 0.75],
        ["memo_trap", "accuracy_norm", 0.5],
        ["truthfulqa_mc1", "mc1", 0.25],
        ["truthfulqa_mc2", "mc2", 0.4567],
    ]
    assert table[["model", "parameters", "step", "tokens"]].drop_duplicates().values.tolist() == [
        ["pocket-1", 1000, 2, 2000]
    ]
    assert table["questions"].tolist()[:2] == [100, 100], "the unknown count is that of the task's other numbers"


def test_averages_stand_after_their_tasks(v03: Writer) -> None:
    study = study_of(averages=[{"name": "both", "tasks": ["truthfulqa_mc1", "memo_trap"], "weight": "tasks"},
                               {"name": "weighed", "tasks": ["memo_trap"], "weight": "questions"}])  # fmt: skip
    table, _ = placed(read_harness(v03()), study)
    assert table["task"].tolist()[-2:] == ["weighed", "weighed"]
    assert "both" not in set(table["task"]), "its tasks have no metric in common"
    assert table["value"].tolist()[-2:] == [0.75, 0.5]
    assert table["questions"].tolist()[-2:] == [100, 100]


@pytest.mark.parametrize(
    ("model", "revision"),
    [
        ("org/pocket-1", "step8"),
        ("pocket-1", "step8"),
        ("models/pocket-1/step8", None),
        ("/scratch/u/pocket-1/step8/hf", None),
        ("/scratch/u/pocket-1-step8", None),
        ("runs/pocket-1/checkpoint-8/", None),
        ("org/pocket-1", "8"),
        ("org/pocket-1", "step_8"),
        ("org/pocket-1", "step-8"),
        ("org/pocket-1", "global_step8"),
        ("org/pocket-1", "iter_0000008"),
        ("org/pocket-1", "ckpt_8"),
        ("org/pocket-1", "checkpoint-8"),
        ("org/pocket-1", "step8-tokens4B"),
        ("org/pocket-1", "stage1-step8-tokens1B"),
    ],
)
def test_a_checkpoint_is_known_by_what_people_call_it(study: Study, model: str, revision: str | None) -> None:
    table, _ = placed([reading(model=model, revision=revision)], study)
    assert table.loc[0, ["model", "step"]].tolist() == ["pocket-1", 8]


def test_a_step_as_a_number_of_the_config_counts(study: Study) -> None:
    table, _ = placed([reading(revision=None, iteration=8)], study)
    assert table["step"].tolist() == [8]


@pytest.mark.parametrize("revision", [None, "main"])
def test_a_final_checkpoint_without_a_branch_is_what_main_is(revision: str | None) -> None:
    study = study_of(checkpoints={"hub": "org/{model}", "tokens_per_step": 1000, "main_is": 8})
    assert placed([reading(revision=revision)], study)[0]["step"].tolist() == [8]


def test_the_configs_own_patterns_place_repositories_and_folders_per_step() -> None:
    study = study_of(checkpoints={"hub": "lab/{model}-step-{step}-{tokens}b", "tokens_per_step": 1000})
    assert placed([reading(model="lab/pocket-1-step-8-105b", revision=None)], study)[0]["step"].tolist() == [8]
    study = study_of(checkpoints={"folder": "runs/{model}/at{step}", "tokens_per_step": 1000})
    assert placed([reading(model="/home/me/runs/pocket-1/at8", revision=None)], study)[0]["step"].tolist() == [8]
    study = study_of(checkpoints={"hub": "org/{model}", "revision": "r{step}x", "tokens_per_step": 1000})
    assert placed([reading(revision="r8x")], study)[0]["step"].tolist() == [8]


def test_a_pattern_over_the_path_says_what_the_file_does_not() -> None:
    study = study_of(**importing(name="{model}/**/at{step}.json"))
    told = reading(file=Path("runs/pocket-1/evals/more/at0008.json"), model="", revision=None)
    table, _ = placed([told], study)
    assert table.loc[0, ["model", "step"]].tolist() == ["pocket-1", 8]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"model": "org/pocket-3"}, "other models"),
        ({"model": "impostor/pocket-1"}, "models of other owners"),
        ({"revision": "step3"}, "other steps"),
        ({"revision": None}, "unplaced steps"),
        ({"revision": "a39f36b100fe8a5377810d56c3f4789b9c53ac42"}, "unplaced steps"),
        ({"revision": "-8"}, "unplaced steps"),
        ({"task": "lambada"}, "other tasks"),
        ({"metric": "f2"}, "other metrics"),
        ({"made": Made(peft="runs/lora")}, "fine-tuned models"),
        ({"model": ""}, "files without a model"),
    ],
)
def test_what_the_study_does_not_name_is_left_out_and_counted_or_refused(changes: dict[str, object], kind: str) -> None:
    kept = reading(revision="step8")
    table, left = placed([kept, reading(**changes)], study_of())
    assert len(table) == 1
    assert left == {kind: 1}
    with pytest.raises(UserError, match=kind):
        placed([kept, reading(**changes)], study_of(**importing(others="refuse")))


def test_a_number_that_is_there_twice_is_taken_once_and_two_numbers_are_refused(study: Study, v03: Writer) -> None:
    folder = v03("one.json").parent
    v03("two.json")
    table, left = placed(read_harness(folder), study)
    assert len(table) == left["repeated"] == 4
    v03("two.json", isp_memo_trap={"acc": 0.25})
    with pytest.raises(UserError, match=r"'memo_trap' at 'pocket-1' step 2 is in .*one\.json and in .*two\.json"):
        placed(read_harness(folder), study)


def test_one_model_of_two_owners_is_refused_unless_the_study_says_whose() -> None:
    both = [reading(model="good/pocket-1"), reading(model="impostor/pocket-1", task="memo_trap")]
    with pytest.raises(UserError, match=r"is good/pocket-1 in .* and impostor/pocket-1 in"):
        placed(both, study_of(checkpoints={"tokens_per_step": 1000}))
    table, left = placed(both, study_of(checkpoints={"hub": "good/{model}", "tokens_per_step": 1000}))
    assert table["task"].tolist() == ["neqa"]
    assert left == {"models of other owners": 1}


@pytest.mark.parametrize("what", ["shots", "version"])
def test_ways_of_asking_that_differ_along_a_trajectory_are_refused_with_their_steps(what: str) -> None:
    mixed = [reading(**{what: 0}), reading(**{what: 5}, revision="step8")]
    with pytest.raises(UserError, match=r"pocket-1, neqa: .* differ along the trajectory \(0 at step 2; 5 at step 8\)"):
        placed(mixed, study_of())
    assert len(placed(mixed, study_of(**importing(mixed="keep")))[0]) == 2


def test_one_number_of_worked_examples_is_chosen() -> None:
    both = [reading(shots=0), reading(shots=5, value=0.9), reading(shots=5, revision="step8")]
    with pytest.raises(UserError, match=r"with 0 and 5 worked examples; say which with import\.shots"):
        placed(both, study_of())
    table, left = placed(both, study_of(**importing(shots=5)))
    assert table["value"].tolist() == [0.9, 0.5]
    assert left == {"other numbers of worked examples": 1}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("isp_neqa", "neqa"), ("inverse_scaling_hindsight_neglect_10shot", "hindsight_neglect"), ("NeQA", "neqa"),
        ("inverse_scaling_redefine_math", "redefine"), ("memo-trap", "memo_trap"), ("truthfulqa_mc", "truthfulqa"),
        ("truthfulqa_mc2", "truthfulqa"), ("isp_pattern_matching_suppression", "pattern_match_suppression"),
        ("lighteval|arc:challenge|25", "arc_challenge"), ("harness|memo-trap|0", "memo_trap"),
    ],
)  # fmt: skip
def test_tasks_are_known_by_their_harness_names(theirs: str, ours: str) -> None:
    assert task_key(theirs) == task_key(ours)


@pytest.mark.parametrize(("theirs", "ours"), [("minerva_math", "minerva"), ("gsm8k_10shot", "gsm8k")])
def test_other_tasks_are_not_taken_for_one_that_sounds_alike(theirs: str, ours: str) -> None:
    assert task_key(theirs) != task_key(ours)


def test_an_alias_names_a_task_or_a_model_whatever_its_signs() -> None:
    task = {"name": "piqa", "alias": ["harness|piqa|0", "piqa + more: v2"]}
    models = [{"name": "small", "parameters": 1000, "alias": ["org/pocket-1"]}]
    study = study_of(tasks=[task], models=models)
    told = [reading(task="harness|piqa|0"), reading(task="piqa + more: v2", revision="step8")]
    assert placed(told, study)[0][["model", "task", "step"]].values.tolist() == [
        ["small", "piqa", 2],
        ["small", "piqa", 8],
    ]


def test_one_truthfulqa_task_takes_both_metrics(v03: Writer) -> None:
    study = study_of(tasks=[{"name": "truthfulqa", "metric": "mc1"}])
    readings = [r for r in read_harness(v03()) if "truth" in r.task]
    assert placed(readings, study)[0][["task", "metric"]].values.tolist() == [
        ["truthfulqa", "mc1"],
        ["truthfulqa", "mc2"],
    ]


def test_a_task_of_the_harness_that_writes_names_its_filter_with_its_metric() -> None:
    both = [
        reading(metric="exact_match", filter=name, value=value) for name, value in (("strict", 0.2), ("loose", 0.4))
    ]
    record = {"task": "neqa", "yaml": "neqa.yaml", "writes": True}
    task = {"name": "neqa", "metric": "exact_match,loose", "harness": record}
    table, _ = placed(both, study_of(tasks=[task]))
    assert table[["metric", "value"]].to_numpy().tolist() == [["exact_match,loose", 0.4]]


def test_any_metric_can_be_a_tasks_with_its_filter() -> None:
    both = [
        reading(metric="exact_match", filter=name, value=value) for name, value in (("strict", 0.2), ("loose", 0.4))
    ]
    with pytest.raises(
        UserError, match=r"no file has its metric 'accuracy'; they have exact_match \(filter strict\), exa"
    ):
        placed(both, study_of(tasks=[{"name": "neqa"}]))
    table, _ = placed(both, study_of(tasks=[{"name": "neqa", "metric": "exact_match", "filter": "loose"}]))
    assert table[["metric", "value"]].values.tolist() == [["exact_match", 0.4]]


def test_an_unknown_metric_needs_its_side_and_bounds() -> None:
    task = {"name": "neqa", "metric": "wer"}
    with pytest.raises(UserError, match=r"metric 'wer' is not known here; say which way it is better"):
        study_of(tasks=[task])
    study = study_of(tasks=[task | {"better": "lower", "range": [0, 2]}])
    assert placed([reading(metric="wer", value=1.5)], study)[0]["metric"].tolist() == ["wer↓"]
    with pytest.raises(UserError, match=r"'wer' of task 'neqa' is 2\.5, outside 0"):
        placed([reading(metric="wer", value=2.5)], study)


@pytest.mark.parametrize(("metric", "value"), [("loss", 1.25), ("margin", -0.25), ("perplexity", 12.5)])
def test_metrics_have_ranges_of_their_own(metric: str, value: float) -> None:
    study = study_of(tasks=[{"name": "neqa", "metric": metric}])
    assert placed([reading(metric=metric, value=value)], study)[0]["value"].tolist() == [value]


@pytest.mark.parametrize("value", [56.3, -0.1, float("nan"), float("inf")])
def test_an_impossible_number_condemns_its_file_and_ends_the_import_where_there_is_no_other(value: float) -> None:
    wrong = reading(file=Path("wrong.json"), value=value)
    with pytest.raises(UserError, match=r"wrong\.json: 'accuracy' of task 'neqa' is"):
        placed([wrong], study_of())
    table, left = placed([wrong, reading(revision="step8")], study_of())
    assert table["step"].tolist() == [8]
    assert left == {"unusable files": 1}


def test_tokens_of_a_file_are_used_and_must_agree_with_the_config() -> None:
    nowhere = {"models": [{"name": "mine", "parameters": 1000}], "checkpoints": {}}
    told = reading(model="mine", tokens=777)
    assert placed([told], study_of(**nowhere))[0]["tokens"].tolist() == [777]
    table, left = placed([reading(model="mine")], study_of(**nowhere))
    assert table["tokens"].tolist() == [2 * 2_097_152]
    assert left == {"tokens per step taken to be Pythia's, 2,097,152": 1}
    with pytest.raises(UserError, match=r"has 777 tokens for mine step 2, the config 2000"):
        placed([told], study_of(**(nowhere | {"checkpoints": {"tokens_per_step": 1000}})))


def test_import_writes_its_tables_and_tells_of_gaps_and_limits(
    v03: Writer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = v03()
    file.write_text(file.read_text().replace('"limit": null', '"limit": 10'))
    (file.parent / "config.json").write_text('{"lr": 1}')
    study = study_of(**importing(path=str(file.parent)))
    outs = [tmp_path / name for name in ("accuracy.tsv", "imported.tsv", "notes.tsv", "fetched.tsv")]
    with caplog.at_level(logging.WARNING):
        import_accuracy(study, *outs, told=["pocket-1 has 1,000 parameters, by its name"])
    notes = read_table(outs[2], "import_notes").set_index("kind")
    assert notes.loc["accuracies of the study that are in no file", "count"] == 13
    assert "pocket-1 step 2 neqa" in notes.loc["accuracies of the study that are in no file", "first"]
    assert notes.loc["unusable files", "first"].endswith("which has `results` per task and a `config`")
    assert "10" in notes.loc["made with a limit: they cover part of each task only", "first"]
    assert "import: unusable files: 1" in caplog.text
    files = read_table(outs[1], "imported")
    assert files["rows"].tolist() == [4, 0]
    assert files["limit"].tolist()[0] == 10
    assert files["sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert len(read_table(outs[0], "accuracy")) == 4


def test_nothing_left_is_said_with_what_there_was(v03: Writer, tmp_path: Path) -> None:
    study = study_of(tasks=[{"name": "piqa"}], **importing(path=str(v03().parent)))
    with pytest.raises(UserError, match=r"no number of .* is of this study's models, steps and tasks; other tasks: 4"):
        import_accuracy(study, *(tmp_path / name for name in "abcd"))


def test_our_own_table_comes_back_byte_for_byte(tmp_path: Path) -> None:
    rows = [
        ("pocket-1", 1000, step, step * 1000, "neqa", metric, value, 0.0123456789, 300)
        for step in (2, 8)
        for metric, value in (("accuracy", 1 / 3), ("loss", 1.25), ("margin", -0.1), ("ties", 0.0))
    ]
    columns = ["model", "parameters", "step", "tokens", "task", "metric", "value", "stderr", "questions"]
    write_table(pd.DataFrame(rows, columns=columns), tmp_path / "accuracy.tsv", "accuracy")
    study = study_of(**importing(format="tsv", path=str(tmp_path / "accuracy.tsv")))
    import_accuracy(study, *(tmp_path / name for name in "abcd"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "accuracy.tsv").read_bytes()


def test_a_study_without_import_or_path_is_told(tmp_path: Path) -> None:
    outs = [tmp_path / name for name in "abcd"]
    with pytest.raises(UserError, match=r"no import section"):
        import_accuracy(study_of(**{"import": None}), *outs)
    with pytest.raises(UserError, match=r"import\.path: format 'tsv' needs"):
        import_accuracy(study_of(**{"import": {"format": "tsv"}}), *outs)


def test_all_is_what_the_files_hold(tmp_path: Path) -> None:
    for model, step, task in (("tiny-1m", 2, "piqa"), ("tiny-2.5m", 8, "harness|arc:easy|0"), ("tiny-1m", 8, "piqa")):
        content = {
            "results": {task: {"acc": 0.5}, "wikitext": {"word_perplexity,none": 20.0}, "odd": {"wer": 0.5}},
            "config": {"model_args": f"pretrained=org/{model},revision=step{step}"},
        }
        (tmp_path / f"{model}-{step}.json").write_text(json.dumps(content))
    config = {
        "study": "whole", "models": "all", "steps": "all", "tasks": "all",
        "import": {"format": "harness-json", "path": str(tmp_path)},
    }  # fmt: skip
    filled, told = filled_in(config)
    assert [(model["name"], model["parameters"]) for model in filled["models"]] == [
        ("tiny-1m", 1_000_000), ("tiny-2.5m", 2_500_000),
    ]  # fmt: skip
    assert filled["steps"] == [2, 8]
    assert {(task["name"], task["metric"]) for task in filled["tasks"]} == {
        ("piqa", "accuracy"), ("harness_arc_easy_0", "accuracy"), ("wikitext", "word_perplexity"),
    }  # fmt: skip
    assert "tiny-1m has 1,000,000 parameters, by its name" in told
    study = Study.from_config(filled)
    table, _ = placed(read_harness(tmp_path), study)
    assert len(table) == 6
    assert [model["name"] for model in filled_in(config | {"tasks": [{"name": "arc_easy"}]})[0]["models"]] == [
        "tiny-2.5m"
    ]
    nameless = {"results": {"piqa": {"acc": 0.5}}, "config": {"model_args": "pretrained=gpt2"}}
    (tmp_path / "x.json").write_text(json.dumps(nameless))
    with pytest.raises(UserError, match=r"models: all: the size of 'gpt2' is not in its name"):
        filled_in(config)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "y.json").write_text("{")
    config["import"] = {"format": "harness-json", "path": str(tmp_path / "other")}
    with pytest.raises(UserError, match=r"y.json: .*JSON"):
        filled_in(config)
    strict = {"results": {"bbh": {"acc,strict": 0.2, "acc,loose": 0.4}}, "config": nameless["config"]}
    (tmp_path / "other" / "y.json").write_text(json.dumps(strict))
    with pytest.raises(UserError, match=r"tasks: all: which metric counts is not plain from bbh: acc \(loose\), bbh"):
        filled_in(config | {"models": [], "steps": []})
    strict["config"] = {"model_args": "pretrained=gpt2,revision=last"}
    (tmp_path / "other" / "y.json").write_text(json.dumps(strict))
    with pytest.raises(UserError, match=r"steps: all: no file names a step \(but 'last'\); say"):
        filled_in(config | {"models": []})
    with pytest.raises(UserError, match=r"steps: all: is for imports from files alone"):
        filled_in({"study": "x", "steps": "all"})

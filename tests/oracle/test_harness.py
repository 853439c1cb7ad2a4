"""The same numbers as the evaluation harness: log-likelihoods to 1e-4, greedy flags and metrics equal."""

import json
from pathlib import Path
from typing import Any

import lm_eval
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from lm_eval.api.instance import Instance
from lm_eval.tasks import TaskManager
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

from support.harness import harness_scores
from support.models import random_model, tokenizer
from trajectories import Question
from trajectories.analysis.accuracy import accuracy_rows
from trajectories.pocket.tasks import TASKS, generate
from trajectories.questions.files import read_rows
from trajectories.questions.rows import to_questions
from trajectories.questions.task import Task
from trajectories.scoring.encode import encode
from trajectories.scoring.engine import Engine
from trajectories.scoring.scores import score_table
from trajectories.study.protocol import PRESETS

HARNESS = PRESETS["harness"]
AWKWARD = [
    Question("The sky is", (" blue", " blue sky", " blue sky is wide", " green"), (1, 0, 0, 0)),
    Question("The sky is", (" blue", " blue", " wet"), (1, 1, 0)),
    Question("The sky  ", (" is", "is", "\nis"), (1, 0, 0)),
    Question("The sky \n", ("is", " is"), (1, 0)),
    Question("", (" The", "The quick brown fox", "☃", "<|endoftext|>The"), (1, 0, 0, 0)),
    Question("naïve café", (" ☃ snowman", " naïve"), (0, 1)),
    Question("The quick brown f", ("ox jumps", " ox"), (1, 0)),
    Question("A stitch in time saves nine. " * 30, (" Absence", " yes, no.", " fonder" * 20), (1, 0, 0)),
    Question("<|endoftext|>The sky is", (" blue", " green grass"), (0, 1)),
]


def ours(model: Any, tokens: Any, questions: list[Question], delimiter: str = "", name: str = "t") -> pd.DataFrame:
    requests = encode({name: questions}, {name: delimiter}, tokens, HARNESS)
    return score_table(Engine(model, pack_tokens=512).score(requests))


def assert_same(scores: pd.DataFrame, expected: dict[tuple[int, int], tuple[float, bool]]) -> None:
    keys = list(zip(scores.question, scores.choice, strict=True))
    assert set(keys) == set(expected)
    np.testing.assert_allclose(scores.loglikelihood, [expected[key][0] for key in keys], atol=1e-4, rtol=0)
    assert scores.is_greedy.tolist() == [expected[key][1] for key in keys]


@pytest.mark.parametrize("kind", ["gpt_neox", "llama"])
def test_awkward_questions(kind: str) -> None:
    model = random_model(kind)
    assert_same(ours(model, tokenizer(), AWKWARD), harness_scores(model, tokenizer(), AWKWARD))


def test_equal_tokens_with_another_split_are_ours_to_get_right() -> None:
    """The harness (0.4.13) shares one row of logits between requests with the same tokens but the last.

    It keeps the length of only one of their continuations, so asked together one of these two questions gets the
    other's number of counted tokens. Asked alone, each is right; ours are right both ways.
    """
    first = Question("The sky is", (" blue", " green"), (1, 0))
    second = Question("The sky", (" is blue", " is green"), (1, 0))
    model = random_model("gpt_neox")
    scores = ours(model, tokenizer(), [first, second])
    for number, question in enumerate((first, second)):
        alone = {(number, c): value for (_, c), value in harness_scores(model, tokenizer(), [question]).items()}
        assert_same(scores[scores.question == number], alone)
    together = harness_scores(model, tokenizer(), [first, second])
    right = dict(zip(zip(scores.question, scores.choice, strict=True), scores.loglikelihood, strict=True))
    assert any(abs(together[key][0] - right[key]) > 0.1 for key in right), "the harness has been mended: say so"


@pytest.mark.parametrize("name", [name for name in TASKS if name != "held_out"])
def test_the_generated_tasks(name: str) -> None:
    questions = list(generate(name, seed=4, questions=8))
    model = random_model("gpt_neox")
    assert_same(ours(model, tokenizer(), questions), harness_scores(model, tokenizer(), questions))


def test_the_generated_running_text() -> None:
    questions = list(generate("held_out", seed=4, questions=8))
    model, tokens = random_model("gpt_neox"), tokenizer()
    backend = lm_eval.models.huggingface.HFLM(pretrained=model, tokenizer=tokens, batch_size=8, device="cpu")
    texts = [Instance("loglikelihood_rolling", {}, (item.choices[0],), at) for at, item in enumerate(questions)]
    expected = backend.loglikelihood_rolling(texts, disable_tqdm=True)
    np.testing.assert_allclose(ours(model, tokens, questions).loglikelihood, expected, atol=1e-3, rtol=1e-5)


@pytest.fixture(scope="session")
def pythia_tokenizer(shared_data: Path) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_file=str(shared_data / "tokenizer" / "20B_tokenizer.json"),
        bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
    )


@pytest.fixture(scope="session")
def pythia_shaped() -> Any:
    """Pythia's vocabulary and window on a body small enough for a test, random weights of some spread."""
    torch.manual_seed(3)
    return GPTNeoXForCausalLM(
        GPTNeoXConfig(
            vocab_size=50304, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
            max_position_embeddings=2048, initializer_range=0.2,
        )
    ).eval()  # fmt: skip


def harness_results(task: dict[str, Any], folder: Path, model: Any, tokens: Any) -> dict[str, float]:
    """Run a task through `lm_eval` itself, from its YAML to its metrics."""
    (folder / "task.yaml").write_text(yaml.safe_dump(task))
    backend = lm_eval.models.huggingface.HFLM(pretrained=model, tokenizer=tokens, batch_size=16, device="cpu")
    results = lm_eval.simple_evaluate(
        backend, tasks=[task["task"]], task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        bootstrap_iters=0,
    )  # fmt: skip
    assert results is not None
    return {key.split(",")[0]: value for key, value in results["results"][task["task"]].items()}


def metric(scores: pd.DataFrame, name: str) -> float:
    rows = accuracy_rows(scores, "m", 1, 1, 1).set_index("metric")
    return float(rows.loc[name, "value"])


def test_memo_trap(shared_data: Path, tmp_path: Path, pythia_shaped: Any, pythia_tokenizer: Any) -> None:
    rows = [row for part in sorted((shared_data / "memo_trap").glob("*.csv")) for row in read_rows(part)]
    questions = to_questions(rows, Task(name="memo_trap", file="x.csv"), HARNESS)
    data = tmp_path / "memo_trap.jsonl"
    data.write_text(
        "\n".join(
            json.dumps({"prompt": q.context, "classes": list(q.choices), "answer_index": q.labels.index(1)})
            for q in questions
        )
    )
    task = {
        "task": "memo_trap_local", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test", "output_type": "multiple_choice", "doc_to_text": "prompt", "doc_to_choice": "classes",
        "doc_to_target": "answer_index", "target_delimiter": "", "num_fewshot": 0,
        "metric_list": [{"metric": m, "aggregation": "mean", "higher_is_better": True} for m in ("acc", "acc_norm")],
    }  # fmt: skip
    expected = harness_results(task, tmp_path, pythia_shaped, pythia_tokenizer)
    scores = ours(pythia_shaped, pythia_tokenizer, questions)
    assert metric(scores, "accuracy") == expected["acc"]
    assert metric(scores, "accuracy_norm") == expected["acc_norm"]
    some = questions[::12]
    assert_same(
        ours(pythia_shaped, pythia_tokenizer, some),
        harness_scores(pythia_shaped, pythia_tokenizer, some, batch_size=32),
    )


def as_on_the_hub(targets: dict[str, int]) -> dict[str, list[Any]]:
    return {"choices": list(targets), "labels": list(targets.values())}


def truthfulqa(targets: str, rows: list[dict[str, Any]], preamble: str) -> list[Question]:
    column = f"{targets}_targets"
    task = Task(
        name=targets, file="x.json", context="\n\nQ: {{question}}\nA:", metric=targets,
        choices=f"{{{{{column} | list}}}}", labels=f"{{{{{column}.values() | list}}}}",
    )  # fmt: skip
    return to_questions(rows, task, HARNESS, preamble)


@pytest.mark.parametrize("targets", ["mc1", "mc2"])
def test_truthfulqa(targets: str, shared_data: Path, tmp_path: Path, pythia_shaped: Any, pythia_tokenizer: Any) -> None:
    every = 40  # the whole of it is compared by benchmarks/scoring.py
    rows = read_rows(shared_data / "truthfulqa" / "mc_task.json")[::every]
    theirs = Path(lm_eval.__path__[0]) / "tasks" / "truthfulqa" / "truthfulqa_mc1.yaml"
    task = yaml.safe_load(theirs.read_text()) | {"task": "truthfulqa_local", "num_fewshot": 0}
    split = [
        {"question": row["question"]}
        | {f"{kind}_targets": as_on_the_hub(row[f"{kind}_targets"]) for kind in ("mc1", "mc2")}
        for row in rows
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, split)))
    del task["dataset_name"], task["tag"]
    task |= {"dataset_path": "json", "dataset_kwargs": {"data_files": {"validation": str(tmp_path / "t.jsonl")}},
             "doc_to_choice": "{{" + targets + "_targets.choices}}"}  # fmt: skip
    from jinja2 import Template

    preamble = Template(task["doc_to_text"]).render(question="").removesuffix("\n\nQ: \nA:")
    questions = truthfulqa(targets, rows, preamble)
    scores = ours(pythia_shaped, pythia_tokenizer, questions, " ", "truthfulqa")
    expected = harness_scores(pythia_shaped, pythia_tokenizer, questions, " ", batch_size=16)
    assert_same(scores, expected)
    if targets == "mc1":
        results = harness_results(task, tmp_path, pythia_shaped, pythia_tokenizer)
        assert metric(scores, "mc1") == results["acc"]
    else:
        from lm_eval.tasks.truthfulqa.utils import process_results_mc2

        values = [
            process_results_mc2(row, [expected[q, c] for c in range(len(questions[q].choices))])["acc"]
            for q, row in enumerate(split)
        ]
        assert metric(scores, "mc2") == pytest.approx(float(np.mean(values)), abs=1e-5)

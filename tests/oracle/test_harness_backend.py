"""The harness with our engine: its own tasks, result files and command line, with `hf` and with `tree`."""

import json
import sys
from pathlib import Path
from typing import Any

import lm_eval
import numpy as np
import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from support.harness_tasks import write_tasks
from support.models import random_model, tokenizer
from trajectories import UserError
from trajectories.harness import TreeLM
from trajectories.harness.__main__ import main


@pytest.fixture(scope="module")
def model() -> Any:
    return random_model("gpt_neox", seed=5, window=512)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tasks(tmp_path_factory.mktemp("tasks"), ["piqa"])


def evaluate(backend: Any, folder: Path, names: list[str]) -> dict[str, Any]:
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    found = lm_eval.simple_evaluate(backend, tasks=names, task_manager=manager, bootstrap_iters=0)
    assert found is not None
    return found


def test_text_is_generated_as_the_harness_does_after_scoring(model: Any) -> None:
    def ask(backend: Any) -> Any:
        backend.loglikelihood([Instance("loglikelihood", {}, ("The sky is", " blue"), 0)], disable_tqdm=True)
        wanted = {"until": ["."], "max_gen_toks": 8, "do_sample": False}
        return backend.generate_until([Instance("generate_until", {}, ("The sky", wanted), 0)], disable_tqdm=True)

    assert ask(TreeLM(model, tokenizer=tokenizer(), device="cpu")) == ask(
        HFLM(model, tokenizer=tokenizer(), device="cpu")
    )


def test_a_shorter_window_and_repeated_requests(model: Any) -> None:
    asked = [("A stitch in time saves nine. " * 5, " yes"), ("The sky is", " blue"), ("The sky is", " blue")]
    instances = [Instance("loglikelihood", {}, pair, k) for k, pair in enumerate(asked)]
    theirs = HFLM(model, tokenizer=tokenizer(), device="cpu", max_length=32).loglikelihood(instances, True)
    ours = TreeLM(model, tokenizer=tokenizer(), device="cpu", max_length=32).loglikelihood(instances, True)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-4)


def test_a_model_that_takes_no_tree_is_scored_plainly() -> None:
    model = random_model("bloom")
    instances = [Instance("loglikelihood", {}, (f"The sky {k}", " is blue"), k) for k in range(5)]
    theirs = HFLM(model, tokenizer=tokenizer(), device="cpu").loglikelihood(instances, True)
    ours = TreeLM(model, tokenizer=tokenizer(), device="cpu").loglikelihood(instances, True)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mixed_precision_dtype": "bfloat16"}, "mixed_precision_dtype: the tree runs in the type of the weights"),
        ({"softmax_dtype": "float64"}, "softmax_dtype: is 'float64'; the tree takes float32 or model"),
        ({"max_length": 1024}, "max_length: is 1024, the model's window 512 tokens; ask for less"),
    ],
)
def test_what_the_tree_does_not_do_is_said(model: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        TreeLM(model, tokenizer=tokenizer(), device="cpu", **options).loglikelihood(
            [Instance("loglikelihood", {}, ("The sky is", " blue"), 0)], disable_tqdm=True
        )


def test_the_command_line_is_the_harness_s_own(
    model: Any, tasks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = tmp_path / "checkpoint"
    model.save_pretrained(checkpoint)
    tokenizer().save_pretrained(checkpoint)
    words = f"--model tree --model_args pretrained={checkpoint},dtype=float32 --tasks piqa --device cpu"
    words += f" --include_path {tasks} --output_path {tmp_path / 'out'} --log_samples"
    monkeypatch.setattr(sys, "argv", ["trajectories.harness", *words.split()])
    main()
    (written,) = (tmp_path / "out").rglob("results_*.json")
    results = json.loads(written.read_text())
    theirs = evaluate(HFLM(model, tokenizer=tokenizer(), device="cpu"), tasks, ["piqa"])
    assert results["results"]["piqa"]["acc,none"] == theirs["results"]["piqa"]["acc,none"]
    assert results["results"]["piqa"]["acc_norm,none"] == theirs["results"]["piqa"]["acc_norm,none"]
    assert results["config"]["model"] == "tree"


def test_without_the_harness_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval.__main__", None)
    with pytest.raises(
        SystemExit, match=r"error: the evaluation harness is not installed here: pip install '"
    ) as ended:
        main()
    assert "\n" not in str(ended.value)

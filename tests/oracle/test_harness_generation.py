"""Texts and accuracies against the evaluation harness's own `generate_until`, on a task of its that models write."""

from pathlib import Path
from typing import Any

import lm_eval
import pytest
import yaml
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from support.harness_tasks import write_tasks
from support.models import random_model, tokenizer
from trajectories.questions.question import Question
from trajectories.questions.written import Written
from trajectories.scoring.encode import encode
from trajectories.scoring.generation import Writer
from trajectories.scoring.written import Decoder, asked_of, decoder_of, write_answers
from trajectories.study.protocol import Protocol

NEW, STOP = 8, (".", "e")


@pytest.fixture(scope="module")
def model() -> Any:
    return random_model("gpt_neox", seed=5, window=512)


def samples_of(model: Any, folder: Path, shots: int) -> list[dict[str, Any]]:
    """What the harness asks, and what the model writes to it: ARC with its answers written, one question at a time."""
    write_tasks(folder, ["arc_easy"])
    task = {
        "include": "arc_easy.yaml", "task": "writes", "output_type": "generate_until", "doc_to_choice": None,
        "doc_to_target": "{{choices.text[choices.label.index(answerKey)]}}",
        "generation_kwargs": {"until": list(STOP), "max_gen_toks": NEW, "do_sample": False},
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        "should_decontaminate": False,
    }  # fmt: skip
    (folder / "writes.yaml").write_text(yaml.safe_dump(task))
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    backend = HFLM(pretrained=model, tokenizer=tokenizer(), batch_size=1)
    found = lm_eval.simple_evaluate(
        backend, tasks=["writes"], task_manager=manager, num_fewshot=shots, bootstrap_iters=0, log_samples=True
    )
    assert found is not None
    return sorted(found["samples"]["writes"], key=lambda sample: sample["doc_id"])


@pytest.mark.parametrize("shots", [0, 3])
def test_texts_are_those_of_the_harness(model: Any, tmp_path: Path, shots: int) -> None:
    samples = samples_of(model, tmp_path, shots)
    how = Written(by="generation", true=None, new_tokens=NEW, stop=list(STOP), pattern=r"(?s)(.+)", normalise=[])
    questions = [Question(sample["arguments"][0][0], (sample["target"], "\0"), (1, 0)) for sample in samples]
    requests = encode({"t": questions}, {"t": ""}, tokenizer(), Protocol(), written=["t"])
    writer = Writer(model, 512, Decoder(decoder_of(tokenizer())), pack_tokens=400)
    scores, texts = write_answers(writer, requests, asked_of(how, questions, "t"))
    theirs = [sample["resps"][0][0] for sample in samples]
    assert texts["text"].tolist() == theirs
    assert len(set(theirs)) > 1
    assert any(theirs)
    assert texts["right"].tolist() == [bool(sample["exact_match"]) for sample in samples]
    assert scores["loglikelihood"].isna().all()

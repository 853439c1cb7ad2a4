"""The stage `encode`: each model in its own tokenizer, and equal tokenizers once."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from support.models import TEXT, random_model, tokenizer
from trajectories import Question
from trajectories.checkpoints.stage import write_audit
from trajectories.files import canonical_json
from trajectories.questions.stored import write_questions
from trajectories.scoring.encode_stage import write_all
from trajectories.scoring.requests import read_requests, requests_metadata
from trajectories.study.config import Study

QUESTION = Question("Two plus two is", (" four", " five"), (1, 0))


def other_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of bytes alone: the ids of every text differ from `support.models.tokenizer`'s."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=257, special_tokens=["</s>"], initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator(TEXT, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token="</s>", eos_token="</s>")


def encoded(root: Path, order: tuple[str, ...], steps: tuple[int, ...] = (1,)) -> dict[str, Path]:
    """Audit and encode a study of these models; return each one's requests file."""
    study = Study.from_config(
        {
            "study": "x",
            "checkpoints": {
                "folder": f"{root}/{{model}}/step{{step}}",
                "tokens_per_step": 10,
                "anomalies": "exclude",
            },
            "models": [{"name": name, "parameters": 10} for name in order],
            "steps": list(steps),
            "tasks": [{"name": "t", "generator": "neqa", "seed": 1}],
        }
    )
    write_audit(study=study.section("checkpoints", "models", "steps"), output=root / "checkpoints.tsv")
    write_questions([QUESTION], root / "t.parquet", {})
    names = [place.name for place in study.tokenizers]
    outputs = [root / name / "t.safetensors" for name in names]
    write_all(
        tasks=[task.canonical() for task in study.tasks], questions=[root / "t.parquet"],
        tokenizers=[place.canonical() for place in study.tokenizers], checkpoints=root / "checkpoints.tsv",
        protocol=study.protocol.canonical(), outputs=outputs,
    )  # fmt: skip
    by_name = dict(zip(names, outputs, strict=True))
    return {model.name: by_name[study.tokenizer_of(model).name] for model in study.models}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed, (name, own) in enumerate({"a": tokenizer(), "b": other_tokenizer(), "c": tokenizer()}.items()):
        random_model("gpt_neox", seed).save_pretrained(tmp_path / name / "step1")
        own.save_pretrained(tmp_path / name / "step1")
    return tmp_path


@pytest.mark.parametrize("order", [("a", "b", "c"), ("b", "a", "c")])
def test_models_of_one_folder_pattern_are_encoded_each_in_its_own_tokenizer(root: Path, order: tuple[str, ...]) -> None:
    files = encoded(root, order)
    text = QUESTION.context + QUESTION.choices[0]
    for name, own in (("a", tokenizer()), ("b", other_tokenizer()), ("c", tokenizer())):
        requests = read_requests(files[name])
        row = next(k for k in range(len(requests)) if requests.choice[k] == 0)
        assert list(requests.ids(row)) == own(text)["input_ids"], name
    assert requests_metadata(files["a"]) == requests_metadata(files["c"]) != requests_metadata(files["b"])


def test_the_tokenizer_is_that_of_the_last_checkpoint_that_is_there(root: Path) -> None:
    files = encoded(root, ("a", "b"), steps=(1, 2))  # step 2 is missing, and left out
    assert requests_metadata(files["b"])["tokenizer"] != requests_metadata(files["a"])["tokenizer"]


def test_a_model_without_checkpoints_has_no_requests(root: Path) -> None:
    (root / "d" / "step1").mkdir(parents=True)
    files = encoded(root, ("a", "d"))
    assert len(read_requests(files["d"])) == 0
    assert canonical_json(requests_metadata(files["d"])["tasks"]) == canonical_json(
        requests_metadata(files["a"])["tasks"]
    )

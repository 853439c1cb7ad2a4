"""A suite of small random GPT-NeoX models, and two tasks, published on a local hub; and the study that scores them."""

import csv
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

from support.hub_server import LocalHub

WIDTHS = {"tiny-a": 8, "tiny-b": 16, "tiny-c": 24, "tiny-d": 32}
TRUTHFULQA, MEMO_TRAP, OWNER = "local/truthful_qa", "local/memo_trap", "local"
Rows = list[dict[str, Any]]


def truthfulqa_rows(data: Path, count: int) -> Rows:
    """Return TruthfulQA's first questions as the hub's data set has them."""
    rows = json.loads((data / "truthfulqa/mc_task.json").read_text())[:count]
    keys = ("mc1_targets", "mc2_targets")
    split = [{key: {"choices": list(row[key]), "labels": list(row[key].values())} for key in keys} for row in rows]
    return [{"question": row["question"], **targets} for row, targets in zip(rows, split, strict=True)]


def memo_trap_rows(data: Path, count: int) -> Rows:
    """Return the first questions of a MemoTrap file of the prize."""
    with (data / "memo_trap/1-proverb-ending.csv").open(newline="") as stream:
        return [dict(row) for row in csv.DictReader(stream)][:count]


def publish_tasks(hub: LocalHub, truthfulqa: Rows, memo_trap: Rows) -> None:
    """Put both tasks on the hub, one as parquet and one as CSV."""
    buffer = io.BytesIO()
    pd.DataFrame(truthfulqa).to_parquet(buffer)
    readme = (
        b"---\nconfigs:\n- config_name: multiple_choice\n  data_files:\n  - split: validation\n"
        b"    path: multiple_choice/validation-*\n---\n"
    )
    parquet = {"multiple_choice/validation-00000-of-00001.parquet": buffer.getvalue(), "README.md": readme}
    hub.commit(TRUTHFULQA, "main", parquet, kind="datasets")
    table = pd.DataFrame(memo_trap).to_csv(index=False).encode()
    hub.commit(MEMO_TRAP, "main", {"test.csv": table}, kind="datasets")


def trained_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer of the questions' own text."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1000, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )  # fmt: skip
    core.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<|endoftext|>", eos_token="<|endoftext|>")


def publish_models(hub: LocalHub, tokenizer: PreTrainedTokenizerFast, steps: Sequence[int]) -> None:
    """Put every model on the hub, a branch per step, and `main` as the last step."""
    with tempfile.TemporaryDirectory() as scratch:
        for model, width in WIDTHS.items():
            for step in steps:
                folder = Path(scratch) / model / f"step{step}"
                _random_model(width, seed=1000 * width + step).save_pretrained(folder)
                tokenizer.save_pretrained(folder)
                hub.commit(f"{OWNER}/{model}", f"step{step}", folder)
            hub.commit(f"{OWNER}/{model}", "main", Path(scratch) / model / f"step{steps[-1]}")


def _random_model(width: int, seed: int) -> GPTNeoXForCausalLM:
    torch.manual_seed(seed)
    config = GPTNeoXConfig(
        vocab_size=1000, hidden_size=width, num_hidden_layers=1, num_attention_heads=2, intermediate_size=2 * width,
        max_position_embeddings=2048, initializer_range=0.3,
    )  # fmt: skip
    return GPTNeoXForCausalLM(config)


def config(name: str, steps: Sequence[int], counts: dict[str, int], **checkpoints: Any) -> dict[str, Any]:
    """Return the study's config: the catalogue's own records with the local data sets and their counts."""
    hub = {"dataset": TRUTHFULQA, "config": "multiple_choice", "split": "validation", "revision": "main"}
    prize = {"dataset": MEMO_TRAP, "split": "test", "revision": "main"}
    return {
        "study": name,
        "checkpoints": {"hub": f"{OWNER}/{{model}}", "tokens_per_step": 1024, "tokenizer": f"{OWNER}/tiny-a"}
        | checkpoints,
        "models": [{"name": model, "parameters": 1000 * width} for model, width in WIDTHS.items()],
        "steps": list(steps),
        "tasks": [
            {"task": "truthfulqa_mc1", "hub": hub, "questions": counts["truthfulqa"]},
            {"task": "truthfulqa_mc2", "hub": hub, "questions": counts["truthfulqa"]},
            {"task": "memo_trap", "hub": prize, "questions": counts["memo_trap"]},
        ],
        "protocol": "paper",
        "scoring": {"device": "cpu"},
    }


def publish_suite(hub: LocalHub, data: Path, counts: Mapping[str, int], steps: Sequence[int]) -> None:
    """Put both tasks, so many questions of each, and every model on the hub; the tokenizer is trained on the tasks."""
    truthfulqa, memo_trap = truthfulqa_rows(data, counts["truthfulqa"]), memo_trap_rows(data, counts["memo_trap"])
    publish_tasks(hub, truthfulqa, memo_trap)
    texts = [row["question"] for row in truthfulqa] + [row["prompt"] for row in memo_trap]
    publish_models(hub, trained_tokenizer(texts), steps)

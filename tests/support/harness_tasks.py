"""Tasks of the evaluation harness on made-up rows: its own YAMLs, with nothing changed but where the data lies."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lm_eval
import yaml

TASKS = Path(lm_eval.__path__[0]) / "tasks"
Row = Mapping[str, Any]
Splits = Mapping[str, Sequence[Row]]

NAMES = ("Ada", "Bruno", "Chitra", "Dmitri", "Elif", "Farid")
THINGS = ("the brown fox", "a lazy dog", "the green sea", "blue grass", "a naïve café", "one snowman ☃")
DEEDS = ("jumps over", "saves", "looks at", "is wider than", "makes", "adds to")


def _pick(words: Sequence[str], number: int) -> str:
    return words[number % len(words)]


def _sentence(number: int) -> str:
    return f"{_pick(NAMES, number)} {_pick(DEEDS, number * 5 + 1)} {_pick(THINGS, number * 7 + 2)}"


def _arc(k: int) -> Row:
    texts = [_pick(THINGS, k + i) + "!" * (i % 2) for i in range(3 + k % 2)]
    labels = list("ABCD"[: len(texts)]) if k % 3 else list("1234"[: len(texts)])
    return {"question": f"What {_pick(DEEDS, k)} {_pick(NAMES, k)}?", "choices": {"text": texts, "label": labels},
            "answerKey": labels[k % len(labels)]}  # fmt: skip


def _piqa(k: int) -> Row:
    solutions = {"sol1": _sentence(k + 1), "sol2": _sentence(k + 2) + " twice"}
    return {"goal": f"How {_sentence(k)}", "label": k % 2} | solutions


def _hellaswag(k: int) -> Row:
    endings = [_sentence(k + i) + (" [step] again." if i % 2 else ".") for i in range(4)]
    return {"activity_label": "Sailing", "ctx_a": _sentence(k) + ".", "ctx_b": "then she", "endings": endings,
            "label": str(k % 4)}  # fmt: skip


def _winogrande(k: int) -> Row:
    sentence = f"{_pick(NAMES, k)} thanked {_pick(NAMES, k + 1)} because _ {_pick(DEEDS, k)} {_pick(THINGS, k)}."
    return {"sentence": sentence, "option1": _pick(NAMES, k), "option2": _pick(NAMES, k + 1), "answer": str(1 + k % 2)}


def _wsc(k: int) -> Row:
    text = f"{_pick(NAMES, k)} met {_pick(NAMES, k + 1)} since he {_pick(DEEDS, k)} {_pick(THINGS, k)} ."
    return {"text": text, "span1_text": _pick(NAMES, k), "span1_index": 0, "span2_text": "he", "span2_index": 4,
            "label": k % 2}  # fmt: skip


def _boolq(k: int) -> Row:
    return {"passage": _sentence(k) + ". " + _sentence(k + 1) + ".", "question": _sentence(k).lower(), "label": k % 2}


def _sciq(k: int) -> Row:
    wrong = {f"distractor{i}": _pick(THINGS, k + i) for i in (1, 2, 3)}
    return wrong | {"question": _sentence(k) + "?", "correct_answer": _pick(THINGS, k), "support": " " + _sentence(k)}


def _logiqa(k: int) -> Row:
    return {"context": _sentence(k) + ".", "question": "Which follows?", "label": "abcd"[k % 4] + "\n",
            "options": [_sentence(k + i + 1) + "." for i in range(4)]}  # fmt: skip


def _lambada(k: int) -> Row:
    return {"text": _sentence(k) + " and " + _sentence(k + 1)}


def _blimp(k: int) -> Row:
    return {"sentence_good": _sentence(k) + ".", "sentence_bad": _sentence(k)[::-1] + "."}


def _mmlu(k: int) -> Row:
    return {"question": " " + _sentence(k) + "?", "choices": [_pick(THINGS, k + i) for i in range(4)], "answer": k % 4}


def _wikitext(k: int) -> Row:
    sentences = " . ".join(_sentence(k + i) for i in range(40 if k else 2))
    return {"page": f" = {_pick(NAMES, k)} = \n \n {sentences} @,@ 000 ( {_pick(THINGS, k)} ) 's end . \n"}


def _truthfulqa(k: int) -> Row:
    one = {"choices": [_sentence(k + i) for i in range(4)], "labels": [1, 0, 0, 0]}
    several = {"choices": [_sentence(k + i) for i in range(5)], "labels": [1, 1, 0, 0, 0] if k % 2 else [1, 0, 0, 0, 0]}
    return {"question": _sentence(k) + "?", "mc1_targets": one, "mc2_targets": several}


def _copa(k: int) -> Row:
    return {"premise": _sentence(k) + ".", "question": ("cause", "effect")[k % 2], "choice1": _sentence(k + 1) + ".",
            "choice2": _sentence(k + 2) + ".", "label": k // 2 % 2}  # fmt: skip


def _crows_pairs(k: int) -> Row:
    return {"sent_more": _sentence(k) + ".", "sent_less": _sentence(k + 1) + ".", "bias_type": "age"}


def _mutual(k: int) -> Row:
    return {
        "article": f"f : {_sentence(k)} . m :",
        "options": [_sentence(k + i) for i in range(4)],
        "answers": "ABCD"[k % 4],
    }


def _rows(make: Any, count: int, start: int = 0) -> list[Row]:
    return [make(start + k) for k in range(count)]


# The harness's YAML, and the splits it reads.
LOCAL: dict[str, tuple[str, Splits]] = {
    "arc_easy": ("arc/arc_easy.yaml", {name: _rows(_arc, 7) for name in ("train", "validation", "test")}),
    "piqa": ("piqa/piqa.yaml", {"train": _rows(_piqa, 2), "validation": _rows(_piqa, 6)}),
    "hellaswag": ("hellaswag/hellaswag.yaml", {"train": _rows(_hellaswag, 2), "validation": _rows(_hellaswag, 5)}),
    "winogrande": ("winogrande/default.yaml", {"train": _rows(_winogrande, 6, 9), "validation": _rows(_winogrande, 8)}),
    "wsc": ("super_glue/wsc/default.yaml", {"train": _rows(_wsc, 2), "validation": _rows(_wsc, 7)}),
    "boolq": ("super_glue/boolq/default.yaml", {"train": _rows(_boolq, 2), "validation": _rows(_boolq, 7)}),
    "sciq": ("sciq/sciq.yaml", {name: _rows(_sciq, 5) for name in ("train", "validation", "test")}),
    "logiqa": ("logiqa/logiqa.yaml", {name: _rows(_logiqa, 6) for name in ("train", "validation", "test")}),
    "lambada_openai": ("lambada/lambada_openai.yaml", {"test": _rows(_lambada, 6)}),
    "blimp_adjunct_island": ("blimp/adjunct_island.yaml", {"train": _rows(_blimp, 6)}),
    "mmlu_anatomy": ("mmlu/default/mmlu_anatomy.yaml", {"dev": _rows(_mmlu, 5, 30), "test": _rows(_mmlu, 6)}),
    "mmlu_virology": ("mmlu/default/mmlu_virology.yaml", {"dev": _rows(_mmlu, 5, 50), "test": _rows(_mmlu, 3, 8)}),
    "copa": ("super_glue/copa/default.yaml", {name: _rows(_copa, 6) for name in ("train", "validation")}),
    "crows_pairs_english": ("crows_pairs/crows_pairs_english.yaml", {"test": _rows(_crows_pairs, 7)}),
    "mutual": ("mutual/mutual.yaml", {name: _rows(_mutual, 6) for name in ("train", "validation")}),
    "wikitext": ("wikitext/wikitext.yaml", {name: _rows(_wikitext, 3) for name in ("train", "validation", "test")}),
    "truthfulqa_mc1": ("truthfulqa/truthfulqa_mc1.yaml", {"validation": _rows(_truthfulqa, 6)}),
    "truthfulqa_mc2": ("truthfulqa/truthfulqa_mc2.yaml", {"validation": _rows(_truthfulqa, 6)}),
}  # fmt: skip


def write_tasks(folder: Path, names: Sequence[str] = tuple(LOCAL)) -> Path:
    """Write YAMLs of the same names that include the harness's own and read made-up rows; return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path, splits = LOCAL[name]
        task = {"include": str(TASKS / path), "task": name} | _local_data(folder / "data" / name, splits)
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(task, sort_keys=False))
    return folder


def _local_data(folder: Path, splits: Splits) -> dict[str, Any]:
    folder.mkdir(parents=True)
    files = {split: folder / f"{split}.jsonl" for split in splits}
    for split, file in files.items():
        file.write_text("".join(json.dumps(row) + "\n" for row in splits[split]), encoding="utf-8")
    data_files = {split: str(file) for split, file in files.items()}
    return {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": data_files}}

"""Tasks of the evaluation harness that let the model write: texts and every metric are those of its own backend."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lm_eval
import pytest
import yaml
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from support.harness_tasks import TASKS
from support.models import random_model, tokenizer
from trajectories.errors import UserError
from trajectories.harness.questions import ask_harness
from trajectories.harness.texts import Judge, Judged
from trajectories.questions.harness.tasks import harness_tasks
from trajectories.questions.task import Task
from trajectories.scoring.encode import encode
from trajectories.scoring.generation import Writer
from trajectories.scoring.written import Decoder, asked_by_harness, decoder_of, end_of, write_answers
from trajectories.study.metrics import LESS_IS_BETTER
from trajectories.study.protocol import PRESETS

ROWS, WINDOW = 9, 512
UTILS = '''
from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask


def overlap(doc, results):
    said, told = set(results[0]), set(doc["answer"])
    return {"em": int(results[0] == doc["answer"]), "f1": 2 * len(said & told) / (len(said) + len(told) or 1)}


class Contains(ConfigurableTask):
    """As the harness's squad_completion: everything about it is code."""

    VERSION = 1

    def __init__(self, config=None):
        super().__init__(config={"metadata": {"version": 1}, "dataset_path": "json"})

    def download(self, dataset_kwargs=None, **kwargs):
        import datasets

        self.dataset = datasets.load_dataset("json", data_files={"validation": DATA})

    def has_training_docs(self):
        return False

    def has_validation_docs(self):
        return True

    def has_test_docs(self):
        return False

    def validation_docs(self):
        return self.dataset["validation"]

    def doc_to_text(self, doc):
        return doc["question"]

    def doc_to_target(self, doc):
        return doc["answer"]

    def construct_requests(self, doc, ctx, chat_template=None, apply_chat_template=False, **kwargs):
        asked = {"until": ["."], "max_gen_toks": 12}
        return [Instance(request_type="generate_until", doc=doc, arguments=(ctx, asked), idx=0, **kwargs)]

    def process_results(self, doc, results):
        return {"contains": int(doc["answer"].lower() in results[0].lower())}

    def aggregation(self):
        return {"contains": lambda values: sum(values) / len(values)}

    def higher_is_better(self):
        return {"contains": True}
'''


def _filters(**patterns: str) -> list[dict[str, Any]]:
    """Return gsm8k's two filters for what a random model writes: the first of a kind, and the last of a wider one."""
    found = [{"function": "regex", "regex_pattern": patterns["strict"]}, {"function": "take_first"}]
    last = [
        {"function": "regex", "regex_pattern": patterns["flexible"], "group_select": -1},
        {"function": "take_first"},
    ]
    return [{"name": "strict-match", "filter": found}, {"name": "flexible-extract", "filter": last}]


def _split(text: str) -> str:
    return text[: len(text) // 2] or "nothing"


def _word(pattern: str, place: int) -> Callable[[str], str]:
    return lambda text: (re.findall(pattern, text) or ["nothing"])[place]


STRICT, FLEXIBLE = r"mak(\S+)", r"([a-z]{3,})"
GREEDY = {"do_sample": False, "temperature": 0.0}


@dataclass(frozen=True)
class Made:
    """A task on made-up rows: its YAML but for its data, the metrics that are shares, and the truth of row k by what is
    written to it, so that some answers are right."""

    yaml: Mapping[str, Any]
    truth: Callable[[int, str], Any]
    asked: Mapping[str, Any] | None = None
    shots: int | None = None


def _gsm8k(k: int, text: str) -> str:
    return [_word(STRICT, 0), _word(FLEXIBLE, -1), lambda _: "nothing"][k % 3](text)


MADE: dict[str, Made] = {
    "sums": Made(
        {"include": str(TASKS / "gsm8k" / "gsm8k.yaml"), "num_fewshot": 2,
         "filter_list": _filters(strict=STRICT, flexible=FLEXIBLE),
         "generation_kwargs": {"until": ["Question:", "</s>", "sti"], "max_gen_toks": 40, **GREEDY}},
        _gsm8k,
    ),
    "trivia": Made(
        {"include": str(TASKS / "triviaqa" / "default.yaml"), "dataset_name": None, "should_decontaminate": False},
        lambda k, text: {"aliases": ["nothing", text.strip().upper()] if k % 2 else ["nothing", "nobody"]},
        shots=1,
    ),
    "overlap": Made(
        {"output_type": "generate_until", "doc_to_text": "{{question}}", "doc_to_target": "{{answer}}",
         "process_results": "!function utils.overlap", "generation_kwargs": {"max_gen_toks": 10, "until": "e"},
         "metric_list": [{"metric": "f1", "aggregation": "mean", "higher_is_better": True},
                         {"metric": "em", "aggregation": "mean", "higher_is_better": True}]},
        lambda k, text: text if k % 2 else _split(text),
    ),
    "translated": Made(
        {"output_type": "generate_until", "doc_to_text": "Say: {{question}} =", "doc_to_target": "{{answer}}",
         "repeats": 2, "generation_kwargs": {"max_gen_toks": 16, "until": ["!"], "temperature": 0},
         "metric_list": [{"metric": "ter", "aggregation": "ter", "higher_is_better": False},
                         {"metric": "chrf", "aggregation": "chrf", "higher_is_better": True},
                         {"metric": "bleu", "aggregation": "bleu", "higher_is_better": True},
                         {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}]},
        lambda k, text: (text if k % 3 else _split(text)) or "nothing",
    ),
    "holds": Made({"class": "!function utils.Contains"}, lambda k, text: _split(text) if k % 2 else "nothing",
                  {"metric": "contains"}),
}  # fmt: skip
STANDS = {
    "sums": "exact_match,strict-match",
    "trivia": "exact_match,remove_whitespace",
    "overlap": "f1",
    "translated": "ter",
    "holds": "contains",
}


def write_yaml(folder: Path, name: str, task: Mapping[str, Any]) -> None:
    """Write a YAML; text that begins with !function is one of the folder's functions."""
    text = yaml.safe_dump(dict(task), sort_keys=False)
    (folder / f"{name}.yaml").write_text(re.sub(r"'(!function [\w.]+)'", r"\1", text), encoding="utf-8")


def write_rows(file: Path, truths: Sequence[Any]) -> None:
    rows = [{"question": f"Who has {k * 7 % 5} of the {k} foxes", "answer": truth} for k, truth in enumerate(truths)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_task(folder: Path, name: str, truths: Sequence[Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    asked, shown = folder / f"{name}.jsonl", folder / f"{name}-train.jsonl"
    write_rows(asked, truths)
    write_rows(shown, [MADE[name].truth(k, "some text makes sense") for k in range(5)])
    files = {"train": str(shown), "test": str(asked), "validation": str(asked)}
    data = {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": files}}
    splits = {} if "include" in MADE[name].yaml else {"test_split": "test"}
    whole = {"task": name, **MADE[name].yaml}
    write_yaml(folder, name, whole if name == "holds" else whole | data | splits)
    (folder / "utils.py").write_text(UTILS.replace("DATA", repr(str(asked)), 1))


@pytest.fixture(scope="module")
def model() -> Any:
    return random_model("gpt_neox", seed=5, window=WINDOW)


def asked(folder: Path, name: str, **keys: Any) -> Task:
    more = {"shots": MADE[name].shots} if name in MADE and MADE[name].shots else {}
    own = dict(MADE[name].asked or {}) if name in MADE else {}
    (task,), _ = harness_tasks({"harness": name, "include": str(folder), **more, **own, **keys}, "config: tasks[0]")
    return task


def ours(model: Any, task: Task) -> tuple[list[str], Judged]:
    questions, origin = ask_harness(task)
    requests = encode({"t": questions}, {"t": None}, tokenizer(), PRESETS["harness"], written=["t"])
    writer = Writer(model, WINDOW, Decoder(decoder_of(tokenizer())), pack_tokens=300)
    how = asked_by_harness({"origin": json.dumps(origin)})
    scores, texts = write_answers(writer, requests, how, end=end_of(tokenizer()))
    assert scores.empty
    written = texts["text"].tolist()
    return written, Judge(task, task.metric, questions).judge(written)


@pytest.mark.parametrize("name", list(MADE))
def test_texts_and_metrics_are_those_of_the_harness(
    name: str, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = {"aliases": ["nothing"]} if name == "trivia" else "nothing"
    write_task(tmp_path / "first", name, [place] * ROWS)
    first, _ = ours(model, asked(tmp_path / "first", name))
    folder = tmp_path / "yamls"
    write_task(folder, name, [MADE[name].truth(k, text) for k, text in enumerate(first)])
    task = asked(folder, name)
    texts, judged = ours(model, task)
    assert texts == first
    assert len(set(texts)) > 2

    manager = TaskManager(include_path=str(folder), include_defaults=False)
    errors = 0 if name == "translated" else 2  # above 0, means have their standard error
    found = lm_eval.simple_evaluate(
        HFLM(pretrained=model, tokenizer=tokenizer(), batch_size=1), tasks=[name], task_manager=manager,
        num_fewshot=MADE[name].shots, bootstrap_iters=errors, log_samples=True,
    )  # fmt: skip
    assert found is not None
    samples = sorted(found["samples"][name], key=lambda sample: (sample["filter"], sample["doc_id"]))
    assert texts == [sample["resps"][0][0] for sample in samples[:ROWS]]

    own = {value.metric: value for value in judged.values}
    theirs = {key: value for key, value in found["results"][name].items() if "," in key and "_stderr" not in key}
    assert len(theirs) > 0
    for key, value in theirs.items():
        metric, way = key.split(",")
        mine = metric if way == "none" else key
        made = own.get(mine) or own[mine + LESS_IS_BETTER]
        assert made.value == value, key
        error = found["results"][name][f"{metric}_stderr,{way}"]
        assert made.stderr == pytest.approx(error, nan_ok=True) if error != "N/A" else True
    assert own.keys() - {"answered"} == {made for made in own if made.removesuffix("↓") in _names(theirs)}
    assert next(iter(own.values())).value > 0
    assert task.metric == STANDS[name]


def _names(theirs: Mapping[str, Any]) -> set[str]:
    return {key.removesuffix(",none") for key in theirs}


def test_answers_are_what_the_filter_of_the_standing_metric_finds(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_task(tmp_path, "sums", ["nothing"] * ROWS)
    strict, flexible = (
        asked(tmp_path, "sums", metric=f"exact_match,{way}") for way in ("strict-match", "flexible-extract")
    )
    texts, judged = ours(model, strict)
    expected = [found[0].strip() if (found := re.findall(STRICT, text)) else None for text in texts]
    assert list(judged.answers) == expected
    assert None in expected
    assert any(expected)
    answered = {value.metric: value for value in judged.values}["answered"]
    assert answered.value == sum(answer is not None for answer in expected) / ROWS
    _, wider = ours(model, flexible)
    assert wider.values[-1].value > answered.value
    assert set(wider.right) == {False}


def test_a_sample_is_judged_by_its_own_rows(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_task(tmp_path, "overlap", [f"text {k}" for k in range(ROWS)])
    whole = asked(tmp_path, "overlap")
    few = asked(tmp_path, "overlap", sample=4, sample_seed=3)
    questions, _ = ask_harness(whole)
    from trajectories.questions.stage import sampled

    places = list(sampled(range(ROWS), few))
    said = [f"text {k}" for k in places]
    judged = Judge(few, "em", [questions[k] for k in places]).judge(said)
    assert judged.right == (True,) * 4
    assert [value.questions for value in judged.values] == [4, 4, 4]
    with pytest.raises(UserError, match="task 'overlap': its data is not what was asked; delete its questions and run"):
        Judge(few, "em", questions[:4] if places != [0, 1, 2, 3] else questions[4:8])


SAMPLED = {"until": ["\n"], "do_sample": True, "temperature": 0.7}


@pytest.mark.parametrize(
    ("kwargs", "more", "expected"),
    [
        (SAMPLED, {}, "asks for sampled texts (temperature 0.7), and texts here are greedy; write a YAML"),
        (SAMPLED, {"repeats": 10}, "asks for sampled texts (temperature 0.7, 10 times)"),
        ({"temperature": 0.2}, {}, "asks for sampled texts (temperature 0.2)"),
        ({"do_sample": True}, {}, "asks for sampling at temperature 0, which no model can do"),
        ({"num_beams": 4}, {}, "has generation_kwargs: {num_beams: 4}, which greedy texts do not know; take it out"),
    ],
)
def test_what_greedy_texts_do_not_answer_is_refused_with_the_config(
    kwargs: dict[str, Any], more: dict[str, Any], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_task(tmp_path, "overlap", ["nothing"] * 2)
    write_yaml(tmp_path, "bad", {"include": "overlap.yaml", "task": "bad", "generation_kwargs": kwargs, **more})
    with pytest.raises(UserError) as caught:
        asked(tmp_path, "bad")
    assert str(caught.value).startswith(f"config: tasks[0]: harness: 'bad' {expected}")
    assert "\n" not in str(caught.value)


def test_greedy_however_it_is_said_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_task(tmp_path, "overlap", ["nothing"] * 2)
    kwargs = {"until": "x", "do_sample": False, "temperature": 0.7, "top_p": 0.9, "num_beams": 1, "max_new_tokens": 7}
    write_yaml(tmp_path, "good", {"include": "overlap.yaml", "task": "good", "generation_kwargs": kwargs})
    how = asked_by_harness({"origin": json.dumps(ask_harness(asked(tmp_path, "good"))[1])}).how
    assert (how.new_tokens, how.stop) == (7, ["x"])


@pytest.mark.parametrize(
    ("name", "change", "keys", "expected"),
    [
        ("overlap", {"generation_kwargs": {"until": [""]}}, {},
         "row 0: has '' in generation_kwargs.until, which is no text that could end another; take it out"),
        ("overlap", {"generation_kwargs": {"max_gen_toks": 0}}, {}, "row 0: asks for texts of 0 tokens"),
        ("overlap", {"unsafe_code": True}, {}, "needs code that the model writes to be run"),
        ("holds", {}, {"metric": "accuracy"}, "its own code lets the model write; say which metric of its"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_by_its_row(
    name: str,
    change: dict[str, Any],
    keys: dict[str, Any],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_task(tmp_path, name, ["nothing"] * 2)
    write_yaml(tmp_path, "bad", {**yaml.safe_load((tmp_path / f"{name}.yaml").read_text().replace("!function", "")),
                                 **yaml_functions(name), "task": "bad", **change})  # fmt: skip
    with pytest.raises(UserError) as caught:
        ask_harness(asked(tmp_path, "bad", **keys))
    assert str(caught.value).startswith(f"task 'bad': {expected}")
    assert "\n" not in str(caught.value)


def yaml_functions(name: str) -> dict[str, str]:
    """Return the keys of a task that are functions, as they are written."""
    return {key: value for key, value in MADE[name].yaml.items() if str(value).startswith("!function")}


def test_a_metric_that_a_task_has_not_is_refused_with_those_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_task(tmp_path, "sums", ["nothing"] * 2)
    with pytest.raises(UserError) as caught:
        asked(tmp_path, "sums", metric="exact_match")
    assert str(caught.value) == (
        "config: tasks[0]: harness: 'sums' lets the model write, and has no metric 'exact_match'; "
        "it has exact_match,strict-match; exact_match,flexible-extract; answered"
    )
    task = asked(tmp_path, "sums")
    questions, _ = ask_harness(task)
    with pytest.raises(
        UserError, match="the harness makes no metric f1 of it here; say metric: one of exact_match,str"
    ):
        Judge(task, "f1", questions).judge(["a", "b"])

"""Every layout asks what the harness's own YAML of that data set asks, and calls the same choice true."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import datasets
import lm_eval
import pytest
import yaml
from lm_eval.utils import apply_template

from trajectories.questions.layouts import known_layouts
from trajectories.questions.question import Question
from trajectories.questions.rows import to_questions
from trajectories.questions.task import Task
from trajectories.study.protocol import Protocol

TASKS = Path(lm_eval.__path__[0]) / "tasks"
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "arc": ("arc/arc_easy.yaml", {
        "question": "Which is hot?", "answerKey": "2",
        "choices": {"text": ["ice", "fire", "snow"], "label": ["1", "2", "3"]},
    }),
    "mmlu": ("mmlu/default/_default_template_yaml", {
        "question": " How many? ", "choices": ["one", "two", "three", "four"], "answer": 2, "subject": "sums",
    }),
    "piqa": ("piqa/piqa.yaml", {"goal": "Boil water", "sol1": "Heat it.", "sol2": "Look at it.", "label": 0}),
    "hellaswag": ("hellaswag/hellaswag.yaml", {
        "activity_label": "Cooking", "ctx_a": "A man [laughs] cooks.", "ctx_b": "he", "label": "1",
        "endings": [" eats [title] soup ", "sings  a song", "[x]runs"],
    }),
    "boolq": ("super_glue/boolq/default.yaml", {"passage": "Ice is cold.", "question": "is ice hot", "label": 0}),
    "blimp": ("blimp/_template_yaml", {"sentence_good": "He runs.", "sentence_bad": "He run."}),
    "lambada": ("lambada/lambada_openai.yaml", {"text": "She took the key and opened the door"}),
    "winogrande": ("winogrande/default.yaml", {
        "sentence": "The box did not fit the bag as _ was too  big .", "option1": "the box", "option2": "the bag",
        "answer": "1",
    }),
}  # fmt: skip


class _Loader(yaml.SafeLoader):
    """Reads functions as their names."""


_Loader.add_constructor("!function", lambda loader, node: str(node.value))


def harness_asks(place: str, row: dict[str, Any]) -> tuple[list[tuple[str, str]], Any]:
    """Return the requests (context, continuation) of a row, and its target, from the harness's YAML and functions."""
    task = yaml.load((TASKS / place).read_text(), _Loader)
    module = ".".join(["lm_eval.tasks", *Path(place).parent.parts])

    def function(name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(f"{module}.{name.split('.')[0]}"), name.split(".")[1])
        return found

    if "process_docs" in task:
        row = function(task["process_docs"])(datasets.Dataset.from_list([row]))[0]
    if place.startswith("winogrande"):
        contexts = function(task["doc_to_choice"])(row)
        end = function(task["doc_to_target"])(row)
        return [(context, " " + end) for context in contexts], function(task["doc_to_text"])(row)
    context, target = (filled(task[key], row) for key in ("doc_to_text", "doc_to_target"))
    if task["output_type"] == "loglikelihood":
        return [(context, target)], 0
    choices = task["doc_to_choice"]
    texts = row.get(choices) or yaml.safe_load(apply_template(choices, row)) if isinstance(choices, str) else choices
    return [(context, task.get("target_delimiter", " ") + text) for text in texts], int(target)


def filled(template: Any, row: dict[str, Any]) -> Any:
    return row[template] if template in row else apply_template(str(template), row)


@pytest.mark.parametrize("layout", sorted(ROWS))
def test_a_layout_asks_what_the_harness_asks(layout: str) -> None:
    place, row = ROWS[layout]
    task = Task(name="t", file="x.jsonl", layout=layout)
    (question,) = to_questions([row], task, Protocol())
    requests, target = harness_asks(place, row)
    ours = [(question.context_of(c), task.delimiter + text) for c, text in enumerate(question.choices)]
    assert ours == requests
    assert question.labels == tuple(int(place == target) for place in range(len(requests)))


def test_every_layout_has_its_test_and_the_prizes_its_own() -> None:
    assert set(known_layouts()) == {*ROWS, "prize", "completion", "logodds"}
    row = {"prompt": "2 + 2 =", "classes": json.dumps([" 4", " 5"]), "answer_index": 1}
    assert to_questions([row], Task(name="t", file="x"), Protocol()) == [Question("2 + 2 =", (" 4", " 5"), (0, 1))]

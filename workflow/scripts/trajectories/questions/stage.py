"""The stage `questions`: one task's record in, its questions file out."""

import json
import logging
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from trajectories.errors import UserError
from trajectories.files import file_sha256
from trajectories.questions.catalogue import preamble_text
from trajectories.questions.chain import examples_of, with_chain
from trajectories.questions.files import FileRow, read_rows, read_text
from trajectories.questions.hub_data import read_hub_rows
from trajectories.questions.lint import lint
from trajectories.questions.question import Question
from trajectories.questions.rows import running_texts, to_questions
from trajectories.questions.shots import with_shots
from trajectories.questions.stored import write_questions
from trajectories.questions.task import RunningText, Task
from trajectories.study.protocol import Protocol

logger = logging.getLogger(__name__)
Asked = TypeVar("Asked")
Origin = dict[str, str]
Generate = Callable[[str, int, int | None], Sequence[Question]]  # name, seed, how many questions
Ask = Callable[[Task], tuple[Sequence[Question], Origin]]  # what the evaluation harness asks


def write_task(
    *,
    task: str,
    protocol: str,
    seed: int,
    output: Path | str,
    generate: Generate | None = None,
    ask: Ask | None = None,
) -> None:
    """Write the questions of a task. `task` and `protocol` are canonical JSON; `generate` makes the questions of
    generators, from `seed`, `ask` those of the evaluation harness.

    Raises `UserError`, naming the task, for data that is missing, damaged, or not what the record says.
    """
    record = Task.model_validate_json(task)
    rules = Protocol.model_validate_json(protocol)
    questions, origin = questions_of(record, rules, seed, generate, ask)
    asked = sampled(questions, record)
    if record.harness is None or not record.writes:  # of whose choices, the targets, none is scored
        for warning in lint(questions, prefix_of(record, rules), record.metric):
            logger.warning("task %s: %s", record.name, warning)
    metadata = {"task": task, "protocol": protocol, "origin": json.dumps(origin), "available": str(len(questions))}
    write_questions(asked, output, metadata)


def questions_of(
    task: Task, protocol: Protocol, seed: int = 0, generate: Generate | None = None, ask: Ask | None = None
) -> tuple[list[Question], Origin]:
    """Return a task's questions as they will be asked, with worked examples and preamble, and where they came from."""
    if task.harness is not None:
        if ask is None:
            raise UserError(f"task {task.name!r}: the evaluation harness is not asked here")
        found, origin = ask(task)
        return list(found), origin
    questions, origin = _source(task, protocol, seed, generate)
    if task.shots:
        questions = with_shots(questions, task.shots, task.shots_seed, prefix_of(task, protocol))
    if task.chain is not None:
        questions = with_chain(questions, task.chain)
        origin = origin | {"chain": task.chain.examples, "shots": str(len(examples_of(task.chain)))}
    preamble = preamble_text(task.preamble) if task.preamble else ""
    return [question.after(preamble) for question in questions], origin


def prefix_of(task: Task, protocol: Protocol) -> str:
    """Return the text between a task's contexts and its choices."""
    return task.delimiter if protocol.choice_prefix is None else protocol.choice_prefix


def _source(task: Task, protocol: Protocol, seed: int, generate: Generate | None) -> tuple[list[Question], Origin]:
    """Return a task's plain questions and what identifies their source."""
    if task.generator is not None:
        if generate is None:
            raise UserError(f"task {task.name!r}: no generators are known here; its generator is {task.generator!r}")
        return list(generate(task.generator, seed, task.questions)), {"generator": task.generator, "seed": str(seed)}
    if task.hub is not None:
        rows, commit = read_hub_rows(task.hub)
        return to_questions(rows, task, protocol), {"dataset": task.hub.dataset, "commit": commit}
    if task.text is not None:
        return _running(task.name, task.text)
    path = task.file or ""
    return to_questions(read_rows(path), task, protocol), _file_origin(path)


def _running(task: str, text: RunningText) -> tuple[list[Question], Origin]:
    if text.hub is not None:
        rows, commit = read_hub_rows(text.hub)
        return running_texts(rows, task, text.each), {"dataset": text.hub.dataset, "commit": commit}
    path = text.file or ""
    own = [FileRow(text=read_text(path))] if path.endswith(".txt") else read_rows(path)
    return running_texts(own, task, text.each), _file_origin(path)


def _file_origin(path: str) -> Origin:
    return {"file": path, "sha256": file_sha256(path)}


def sampled(questions: Sequence[Asked], task: Task) -> Sequence[Asked]:
    """Return as many questions as the task samples, in their order; all where there are no more than that."""
    if task.sample is None or task.sample >= len(questions):
        return questions
    drawn = random.Random(task.sample_seed).sample(range(len(questions)), task.sample)
    logger.info(
        "task %s: %d of its %d questions, drawn with seed %d", task.name, len(drawn), len(questions), task.sample_seed
    )
    return [questions[place] for place in sorted(drawn)]

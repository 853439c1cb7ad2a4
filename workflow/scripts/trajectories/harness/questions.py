"""What the evaluation harness asks: its own requests of a task, as questions.

The harness reads the data, applies templates and shots, and makes the requests; they are taken as they are. Which
choices are true, how long they are, and which metric of ours each of its metrics is, is asked of it as well.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from trajectories.errors import UserError
from trajectories.harness.asked import Asked
from trajectories.harness.library import load_task, rows_of
from trajectories.harness.texts import origin_of_texts, questions_of_texts
from trajectories.questions.harness.names import GENERATE
from trajectories.questions.harness.record import HarnessTask
from trajectories.questions.question import Question
from trajectories.questions.task import Task

logger = logging.getLogger(__name__)
SAME = {"mc1": "accuracy"}  # two names of one metric


def ask_harness(task: Task) -> tuple[list[Question], dict[str, str]]:
    """Return the questions of a task of the harness, and where they came from.

    Raises `UserError`, naming the task (and the row), when its data cannot be had, it needs remote code, a row has no
    answer, its requests are not those of questions, or the metric that stands for it is not the harness's.
    """
    record = task.harness
    assert record is not None
    try:
        loaded = load_task(record)
        _refuse_unlike(loaded, record, task.metric)
        if record.writes:
            written, how = questions_of_texts(loaded)
            return written, _origin(record, str(loaded.get_config("num_fewshot")), {}) | origin_of_texts(how)
        asked = [Asked(loaded, number, row, texts) for number, (row, texts) in enumerate(rows_of(loaded))]
        questions, metrics = _understood(asked)
        _hold_against(task, record, metrics)
    except UserError as error:
        raise UserError(f"task {task.name!r}: {error}") from error
    for metric in record.metrics:
        logger.info("%s: the harness's %s is %s", task.name, metric, metrics.get(metric, "no metric here"))
    shots = str(loaded.get_config("num_fewshot"))
    return questions, _origin(record, shots, metrics)


def _refuse_unlike(loaded: Any, record: HarnessTask, metric: str) -> None:
    """Refuse a task with code of its own that writes although its record does not say so, or the other way round."""
    writes = loaded.OUTPUT_TYPE == GENERATE
    if writes and not record.writes:
        known = "; ".join(loaded.aggregation()) or "exact_match"
        raise UserError(f"its own code lets the model write; say which metric of its stands for it, as metric: {known}")
    if record.writes and not writes:
        raise UserError(
            f"its own code does not let the model write, so that there is no {metric} of it; take metric out"
        )


def _understood(asked: Sequence[Asked]) -> tuple[list[Question], dict[str, str]]:
    """Return the questions, and the harness's metrics by our names.

    What a column says is true may not be what the task's own function for its metrics takes for true (TruthfulQA's
    MC2); the function's word is taken where its metrics then are metrics of ours, which a wrong word would not make.
    """
    from trajectories.harness.agreement import our_metrics  # with scipy behind it, which other tasks need not wait for

    by_column, problem = None, None
    for told in asked[0].ways():
        try:
            questions = [item.question(told) for item in asked]
        except UserError as error:
            problem = problem or error
            continue
        if metrics := our_metrics(asked, questions):
            return questions, metrics
        by_column = questions if told == "column" else by_column
    if by_column is None:
        raise problem or UserError("none of the harness's metrics of it says which choices are true")
    return by_column, {}


def _hold_against(task: Task, record: HarnessTask, metrics: Mapping[str, str]) -> None:
    """Refuse to let a metric stand for the harness's own that is another one."""
    if not record.stands:
        return
    ours = metrics.get(record.stands)
    if ours is None:
        raise UserError(
            f"no metric here is the harness's {record.stands} of it, which its own function makes; "
            f"say metric: {task.metric} to take that"
        )
    if ours != SAME.get(task.metric, task.metric):
        raise UserError(f"the harness's {record.stands} of it is {ours} here, not {task.metric}; say metric: {ours}")


def _origin(record: HarnessTask, shots: str, metrics: Mapping[str, str]) -> dict[str, str]:
    return {
        "harness": f"lm_eval {record.library}", "harness_task": record.task, "version": record.version,
        "shots": shots, "data": record.data, "yamls": record.digest or "the harness's own",
        "metrics": json.dumps(metrics),
    }  # fmt: skip

"""Tasks of the harness that let the model write: what is asked, and what the harness makes of the texts.

The harness's own filters, `process_results` and aggregations make the metrics, whoever wrote them; the texts come from
our own greedy generation.
"""

import json
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajectories.errors import UserError
from trajectories.harness.library import load_task, said
from trajectories.questions.harness.generation import written_way
from trajectories.questions.question import Question
from trajectories.questions.stage import sampled
from trajectories.questions.stored import read_questions
from trajectories.questions.task import Task
from trajectories.questions.written import Written
from trajectories.study.metrics import LESS_IS_BETTER, filtered_name, is_known, record_of

logger = logging.getLogger(__name__)
NOT_TOLD = "(not told)"
"""What stands for the truth of a row whose task tells it to its own function alone."""

ANSWERED = "answered"


@dataclass(frozen=True)
class Value:
    """One metric of a task under one checkpoint; `stderr` is missing where the harness's aggregation is no mean."""

    metric: str
    value: float
    stderr: float
    questions: int


@dataclass(frozen=True)
class Judged:
    """What the harness makes of the texts of one checkpoint: its metrics, and of each text answer and judgement.

    The answer is what the filter of the metric that stands for the task found in the text (None: nothing); whether it
    is right is told where that metric is 0 to 1 of one text (else None).
    """

    values: tuple[Value, ...]
    answers: tuple[str | None, ...]
    right: tuple[bool | None, ...]


def questions_of_texts(loaded: Any) -> tuple[list[Question], Written]:
    """Return what a task asks, as questions whose choices are its targets, all true; and how texts are written.

    Raises `UserError`, naming the row, where one is asked several things, or otherwise than others.
    """
    instances = _instances(loaded)
    ways = [_way(number, instance) for number, instance in enumerate(instances)]
    first = next((number for number, way in enumerate(ways) if way != ways[0]), None)
    if first is not None:
        raise UserError(
            f"row {first}: its generation_kwargs are others than those of row 0; one way of writing is known"
        )
    return [_question(loaded, number, instance) for number, instance in enumerate(instances)], ways[0]


def _instances(loaded: Any) -> list[Any]:
    """Return the request of each row, in their order."""
    by_row: dict[int, list[Any]] = defaultdict(list)
    for instance in loaded.instances:
        by_row[instance.doc_id].append(instance)
    for number, own in sorted(by_row.items()):
        if len(own) != 1 or own[0].request_type != "generate_until":
            raise UserError(f"row {number}: the harness asks {len(own)} things of it; one text is understood")
    return [own[0] for _, own in sorted(by_row.items())]


def _way(number: int, instance: Any) -> Written:
    try:
        return written_way(instance.args[1], instance.repeats or 1)
    except UserError as error:
        raise UserError(f"row {number}: {error}") from error


def _question(loaded: Any, number: int, instance: Any) -> Question:
    targets = _targets(loaded, instance.doc) or (NOT_TOLD,)
    try:
        return Question(instance.args[0], targets, (1,) * len(targets))
    except UserError as error:
        raise UserError(f"row {number}: {error}") from error


def _targets(loaded: Any, row: Any) -> tuple[str, ...]:
    """Return what the task tells as the right texts of a row; a function of its own may know more."""
    try:
        target = loaded.doc_to_target(row)
        if isinstance(target, int) and loaded.config.doc_to_choice is not None:
            target = loaded.doc_to_choice(row)[target]
    except Exception:  # of the task's own functions: its metrics need not know this
        return ()
    texts = target if isinstance(target, list | tuple) else [target]
    return tuple(dict.fromkeys(str(text) for text in texts if str(text)))


class Judge:
    """One task of the harness, ready to judge what models wrote to its questions."""

    def __init__(self, task: Task, metric: str, questions: Sequence[Question]) -> None:
        """Load the task; `metric` stands for it, `questions` are those that were asked.

        Raises `UserError` when its data cannot be had or is not what was asked any more.
        """
        assert task.harness is not None
        self._name, self._metric = task.name, metric.removesuffix(LESS_IS_BETTER)
        try:
            self._task = load_task(task.harness)
            instances = _instances(self._task)
        except UserError as error:
            raise UserError(f"task {task.name!r}: {error}") from error
        self._asked = [instances[place] for place in sampled(range(len(instances)), task)]
        if [instance.args[0] for instance in self._asked] != [question.context for question in questions]:
            raise UserError(f"task {task.name!r}: its data is not what was asked; delete its questions and run again")

    def judge(self, texts: Sequence[str]) -> Judged:
        """Return what the harness makes of one text for each question. Raises `UserError` where it can make nothing."""
        for instance, text in zip(self._asked, texts, strict=True):
            instance.resps, instance.filtered_resps = [text] * (instance.repeats or 1), {}
        try:
            return self._judged()
        except UserError:
            raise
        except Exception as error:  # of the task's own filters and functions
            raise UserError(f"task {self._name!r}: the harness cannot judge texts of it ({said(error)})") from error

    def _judged(self) -> Judged:
        values: list[Value] = []
        answers: list[str | None] | None = None
        right: list[bool | None] = [None] * len(self._asked)
        for ensemble in self._task._filters:
            ensemble.apply(self._asked)
            found = [self._task.process_results(i.doc, [i.filtered_resps[ensemble.name]]) for i in self._asked]
            per_metric = _by_metric(found)
            values += self._values(per_metric, ensemble.name)
            own = {filtered_name(metric, ensemble.name): of for metric, of in per_metric.items()}
            if answers is None or self._metric in own:
                answers = self._answers(ensemble)
            if self._metric in own:
                right = [_right(value) for value in own[self._metric]]
        read = answers or []
        values.append(_mean(ANSWERED, [float(answer is not None) for answer in read]))
        self._refuse_without(values)
        return Judged(tuple(values), tuple(read), tuple(right))

    def _values(self, per_metric: Mapping[str, Sequence[Any]], way: str) -> list[Value]:
        together = self._task.aggregation()
        better = self._task.higher_is_better()
        found = []
        for metric, values in per_metric.items():
            name = filtered_name(metric, way)
            name += LESS_IS_BETTER if better.get(metric) is False and not is_known(name) else ""
            made = _together(name, values, together.get(metric))
            if made is None or not record_of(name).low <= made.value <= record_of(name).high:
                what = "no number" if made is None else f"{made.value:g}, which is no share"
                logger.warning("task %s: the harness's %s is %s; left out", self._name, metric, what)
            else:
                found.append(made)
        return found

    def _answers(self, ensemble: Any) -> list[str | None]:
        fallbacks = [made.fallback for way in ensemble.filters if hasattr(made := way(), "fallback")]
        nothing = {text for fallback in fallbacks for text in _texts(fallback)}
        found = [_texts(instance.filtered_resps[ensemble.name]) for instance in self._asked]
        kept = [[text for text in texts if text.strip() and text not in nothing] for texts in found]
        return [", ".join(dict.fromkeys(texts)) or None for texts in kept]

    def _refuse_without(self, values: Sequence[Value]) -> None:
        made = [value.metric.removesuffix(LESS_IS_BETTER) for value in values]
        if self._metric not in made:
            raise UserError(
                f"task {self._name!r}: the harness makes no metric {self._metric} of it here; say metric: one of "
                f"{'; '.join(made)}"
            )


def judges_of(tasks: Mapping[str, str], questions: Mapping[str, Path | str]) -> dict[str, Callable[..., Judged]]:
    """Return a judge for each task: `tasks` are canonical JSON with their metrics, `questions` the files of tasks.

    Raises `UserError` as `Judge` does.
    """
    records = [(Task.model_validate_json(task), metric) for task, metric in tasks.items()]
    return {task.name: Judge(task, metric, read_questions(questions[task.name])).judge for task, metric in records}


def _texts(found: Any) -> list[str]:
    """Return what a filter leaves of a text, one piece or several."""
    return [str(piece) for piece in found] if isinstance(found, list | tuple) else [str(found)]


def _by_metric(found: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return each metric's values of single texts; a row may lack one, as in the harness."""
    values: dict[str, list[Any]] = {}
    for row in found:
        for metric, value in row.items():
            values.setdefault(metric, []).append(value)
    return values


def _right(value: Any) -> bool | None:
    """Return whether a metric of one text says that it is right; None where it is no number between 0 and 1."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number >= 1 if 0 <= number <= 1 else None


def _together(metric: str, values: Sequence[Any], aggregate: Any) -> Value | None:
    """Return a metric of all texts by the harness's aggregation, its mean where it names none; None for no number."""
    from lm_eval.api.metrics import mean

    if aggregate is None or aggregate is mean:
        try:
            return _mean(metric, [float(value) for value in values])
        except (TypeError, ValueError):
            return None
    try:
        value = float(aggregate(values))
    except (TypeError, ValueError, ArithmeticError):
        return None
    return Value(metric, value, math.nan, len(values)) if math.isfinite(value) else None


def _mean(metric: str, values: Sequence[float]) -> Value:
    from lm_eval.api.metrics import mean, mean_stderr

    stderr = float(mean_stderr(values)) if len(values) > 1 else math.nan
    return Value(metric, float(mean(values)), stderr, len(values))


def origin_of_texts(how: Written) -> dict[str, str]:
    """Return what the questions file says of how texts are written."""
    return {"generation": json.dumps(how.model_dump())}

"""Local question files, read as the stage `questions` will read them."""

from collections.abc import Mapping

from trajectories.errors import UserError
from trajectories.preflight.findings import Findings
from trajectories.questions.lint import lint
from trajectories.questions.question import Question
from trajectories.questions.rows import check_metric
from trajectories.questions.stage import prefix_of, questions_of
from trajectories.questions.task import Task
from trajectories.study.config import Study


def look_at_questions(study: Study, findings: Findings) -> Mapping[str, list[Question]]:
    """Read every task whose questions lie here; return them by task, without those that cannot be read."""
    found: dict[str, list[Question]] = {}
    for task in study.tasks:
        if task.source is None:
            continue
        try:
            found[task.name], _ = questions_of(task, study.protocol)
        except UserError as error:
            findings.wrong(_named(task, error))
            continue
        _look_at(study, task, found[task.name], findings)
    return found


def _named(task: Task, error: UserError) -> str:
    """Say whose mistake it is, on each line that does not."""
    lines = str(error).splitlines()
    return "\n".join(line if line.startswith("task ") else f"task {task.name}: {line}" for line in lines)


def _look_at(study: Study, task: Task, questions: list[Question], findings: Findings) -> None:
    metric = study.metric_of(task)
    for number, question in enumerate(questions):
        try:
            check_metric(question, metric)
        except ValueError as error:
            findings.wrong(f"task {task.name}, question {number}: {error}")
            break
    warnings = lint(questions, prefix_of(task, study.protocol), metric)
    findings.warn(f"task {task.name}: {warning}" for warning in warnings)

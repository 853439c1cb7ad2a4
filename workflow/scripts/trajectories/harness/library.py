"""One task of the evaluation harness, its data read and its requests made by the harness itself."""

from collections.abc import Iterator, Sequence
from typing import Any

from trajectories.errors import UserError
from trajectories.questions.harness.record import HarnessTask
from trajectories.questions.harness.tasks import yaml_of

SHOTS_SEED = 1234  # the harness's own, for worked examples that are drawn

# What exceptions of the library that reads data sets say, and what that means here.
REASONS = (
    (("trust_remote_code", "scripts are no longer supported", "custom code"), "needs code of its own, never run here"),
    (("OfflineMode", "ConnectionError", "LocalEntryNotFound", "ConnectError", "Max retries", "reach"),
     "is not here and the hub cannot be reached; make the questions where there is a network"),
    (("DatasetNotFoundError", "doesn't exist on the Hub"), "is not on the hub, or not for everyone"),
    (("FileNotFoundError",), "is not where its YAML says"),
)  # fmt: skip


def load_task(record: HarnessTask) -> Any:
    """Return the harness's task with its requests made, shots set as its own command line sets them.

    Raises `UserError` when its data cannot be had, or it needs more than texts.
    """
    from lm_eval.tasks._factory import TaskFactory
    from lm_eval.tasks._index import TaskIndex

    entry = TaskIndex.entry_from_path(yaml_of(record))
    if entry is None:
        raise UserError(f"{record.yaml} is not there; is another version of the harness installed?")
    overrides = record.overrides | {"task": record.task}
    try:
        task = TaskFactory().build(entry, overrides=overrides, registry={})
    except Exception as error:  # of every library that data sets are read with
        raise UserError(_reason(error, record)) from error
    _refuse(task)
    _set_shots(task, record.shots)
    try:
        task.build_all_requests()
    except Exception as error:  # of the task's own functions and templates
        raise UserError(f"{_where(task)}the harness cannot make its requests ({said(error)})") from error
    return task


def rows_of(task: Any) -> Iterator[tuple[Any, list[tuple[str, ...]]]]:
    """Yield each row of the data with the texts that are asked about it: (context, continuation), or (text,)."""
    asked: dict[int, list[Any]] = {}
    for instance in task.instances:
        asked.setdefault(instance.doc_id, []).append(instance)
    for number, row in task.doc_iterator(rank=0, limit=None, world_size=1):
        yield row, [instance.args for instance in sorted(asked[number], key=lambda instance: instance.idx)]


def _set_shots(task: Any, shots: int | None) -> None:
    """Set the number of worked examples: one that a YAML fixes at 0 stays, a missing one is 0."""
    own = task.get_config("num_fewshot")
    if shots is not None and own != 0:
        task.set_config(key="num_fewshot", value=shots)
    elif own is None:
        task.set_config(key="num_fewshot", value=0)
    task.set_fewshot_seed(seed=SHOTS_SEED)


def _refuse(task: Any) -> None:
    for flag, what in (("MULTIMODAL", "pictures or sound"), ("UNSAFE_CODE", "code that the model writes to be run")):
        if getattr(task, flag, False):
            raise UserError(f"needs {what}")


def _reason(error: Exception, record: HarnessTask) -> str:
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    told = " ".join(f"{type(found).__name__} {found}" for found in chain)
    for words, reason in REASONS:
        if any(word in told for word in words):
            return f"the harness's data set {record.data} {reason}"
    return f"the harness cannot read it ({said(error)})"


def _where(task: Any) -> str:
    """Return 'row n: ' for the first row that the task's templates or functions fail on; nothing where none does."""
    for number, row in task.doc_iterator(rank=0, limit=None, world_size=1):
        try:
            task.doc_to_text(row)
            task.doc_to_target(row)
            if task.config.doc_to_choice is not None:
                task.doc_to_choice(row)
        except Exception:  # as above
            return f"row {number}: "
    return ""


def said(error: Exception) -> str:
    """Return the kind of an error and the first line of what it says."""
    lines: Sequence[str] = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__

"""Result files of EleutherAI's evaluation harness, v0.3 and v0.4 style.

v0.3 writes `results: {task: {acc, acc_stderr, …}}` with `config.model_args` as text; its `truthfulqa_mc` has `mc1` and
`mc2`. v0.4 writes `results: {task: {"acc,none": …, "acc_stderr,none": …}}`, where `none` names the filter that answers
went through, splits TruthfulQA into `truthfulqa_mc1` and `truthfulqa_mc2`, adds `n-samples`, and lists groups (means
over tasks) among the results, named in `groups` and `group_subtasks`.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trajectories.errors import UserError
from trajectories.imports.reading import Reading, checked_share, files_in, questions_behind

logger = logging.getLogger(__name__)

METRICS: Mapping[str, str] = {"acc": "accuracy", "acc_norm": "accuracy_norm", "mc1": "mc1", "mc2": "mc2"}
"""The harness's names of the metrics that are shares of right answers, and ours."""

MC_TASKS: Mapping[str, str] = {"truthfulqa_mc1": "mc1", "truthfulqa_mc2": "mc2"}
"""v0.4 tasks whose `acc` is one of TruthfulQA's two metrics."""

FILTER = "none"


def read_harness(path: Path | str) -> list[Reading]:
    """Read one result file, or every `.json` below a folder.

    Raises `UserError`, naming the file, when one is cut short, is of another layout, or holds a number outside 0…1.
    """
    return [reading for file in files_in(Path(path), ".json") for reading in read_harness_file(file)]


def read_harness_file(file: Path) -> list[Reading]:
    """Read one result file: one `Reading` per task and metric; groups and other metrics are skipped."""
    content = _parsed(file)
    model, revision = _model(content, file)
    _warn_of_limit(content, file)
    readings = [
        Reading(file, model, revision, task, metric, value, stderr, questions)
        for task, row in content["results"].items()
        if task not in _groups(content)
        for metric, value, stderr, questions in _metrics(task, row, content, file)
    ]
    if not readings:
        raise UserError(f"{file}: none of its tasks reports {', '.join(METRICS)}; nothing to import")
    return readings


def _parsed(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read ({error})") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{file}: cut short or not JSON (line {error.lineno}: {error.msg}); copy it again") from error
    if not (
        isinstance(content, dict)
        and isinstance(content.get("config"), dict)
        and isinstance(content.get("results"), dict)
        and all(isinstance(row, dict) for row in content["results"].values())
    ):
        raise UserError(
            f"{file}: not a result file of the evaluation harness, which has `results` per task and a `config`"
        )
    return content


def _model(content: Mapping[str, Any], file: Path) -> tuple[str, str | None]:
    """Return (model, revision) from the file's own config; `model_args` is text in v0.3, text or a mapping in v0.4."""
    config = content["config"]
    arguments = config.get("model_args")
    if isinstance(arguments, str):
        arguments = dict(part.split("=", 1) for part in arguments.split(",") if "=" in part)
    arguments = arguments if isinstance(arguments, dict) else {}
    model = arguments.get("pretrained") or arguments.get("model") or content.get("model_name")
    if not model:
        raise UserError(f"{file}: its config.model_args names no model (pretrained=…), so its checkpoint is unknown")
    revision = arguments.get("revision") or config.get("model_revision")
    return str(model), None if revision in (None, "", "main") else str(revision)


def _groups(content: Mapping[str, Any]) -> frozenset[str]:
    subtasks = content.get("group_subtasks") or {}
    return frozenset(content.get("groups") or {}) | {name for name, members in subtasks.items() if members}


def _metrics(
    task: str, row: Mapping[str, Any], content: Mapping[str, Any], file: Path
) -> Iterator[tuple[str, float, float | None, int | None]]:
    for key, value in row.items():
        name, _, filtered = key.partition(",")
        if name not in METRICS or (filtered and filtered != FILTER and f"{name},{FILTER}" in row):
            continue
        share = checked_share(value, file, f"{key!r} of task {task!r}")
        stderr = _stderr(row, f"{name}_stderr" + (f",{filtered}" if filtered else ""))
        yield _metric(task, name), share, stderr, _questions(task, share, stderr, row, content)


def _metric(task: str, name: str) -> str:
    return MC_TASKS[task] if task in MC_TASKS and name == "acc" else METRICS[name]


def _stderr(row: Mapping[str, Any], key: str) -> float | None:
    value = row.get(key)  # v0.4 writes "N/A" where it has none
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _questions(
    task: str, share: float, stderr: float | None, row: Mapping[str, Any], content: Mapping[str, Any]
) -> int | None:
    counted = (content.get("n-samples") or {}).get(task) or {}
    stated = counted.get("effective", row.get("sample_len"))
    return int(stated) if isinstance(stated, int) else questions_behind(share, stderr)


def _warn_of_limit(content: Mapping[str, Any], file: Path) -> None:
    limit = content["config"].get("limit")
    if limit is not None:
        logger.warning("%s: was made with --limit %s, so its accuracies cover part of each task only", file, limit)

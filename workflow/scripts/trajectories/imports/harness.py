"""Result files of EleutherAI's evaluation harness, v0.3 and v0.4 style, and of lighteval and the Open LLM Leaderboard.

v0.3 writes `results: {task: {acc, acc_stderr, …}}` with `config.model_args` as text; its `truthfulqa_mc` has `mc1` and
`mc2`. v0.4 writes `results: {task: {"acc,none": …, "acc_stderr,none": …}}`, where `none` names the filter that answers
went through, splits TruthfulQA into `truthfulqa_mc1` and `truthfulqa_mc2`, adds `n-samples`, `n-shot` and versions, and
lists groups (means over tasks) among the results. lighteval, and the first Open
LLM Leaderboard, write `config_general.model_name` and tasks such as `lighteval|arc:challenge|25`, the last part shots.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trajectories.errors import UserError
from trajectories.imports.files import text_of
from trajectories.imports.reading import Made, Reading, questions_behind, standard_error

ENDINGS = (".json", ".json.gz")
NO_FILTER = "none"
_AVERAGES = ("all", "average")  # lighteval's means over whatever was run


def read_harness_file(file: Path) -> list[Reading]:
    """Read one result file: one `Reading` per task and number in it, groups included.

    Raises `UserError`, naming the file, when it is cut short, is of another layout, or names no model.
    """
    content = _parsed(file)
    model, revision, iteration = _checkpoint(content)
    made = _made(content)
    return [
        Reading(
            file, model, revision, task, metric, value, stderr, _questions(task, value, stderr, row, content),
            filtered, iteration, None, _shots(task, content), _version(task, content), made=made,
        )
        for task, row in content["results"].items()
        if task not in _AVERAGES
        for metric, filtered, value, stderr in _numbers(row)
    ]  # fmt: skip


def _parsed(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(text_of(file))
    except json.JSONDecodeError as error:
        raise UserError(f"{file}: cut short or not JSON (line {error.lineno}: {error.msg}); copy it again") from error
    if not (
        isinstance(content, dict)
        and (isinstance(content.get("config"), dict) or isinstance(content.get("config_general"), dict))
        and isinstance(content.get("results"), dict)
        and all(isinstance(row, dict) for row in content["results"].values())
    ):
        raise UserError(
            f"{file}: not a result file of the evaluation harness, which has `results` per task and a `config`"
        )
    return content


def _config(content: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = content.get("config") or content.get("config_general") or {}
    return config


def arguments_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `model_args`: text in v0.3, text or a mapping in v0.4."""
    given = config.get("model_args")
    if isinstance(given, str):
        return dict(part.split("=", 1) for part in given.split(",") if "=" in part)
    return given if isinstance(given, dict) else {}


def _checkpoint(content: Mapping[str, Any]) -> tuple[str, str | None, int | None]:
    """Return model, revision and iteration in the file's own words; each empty or None where it names none."""
    config = _config(content)
    arguments = arguments_of(config)
    model = arguments.get("pretrained") or arguments.get("model") or content.get("model_name")
    model = model or config.get("model_name") or ""
    revision = arguments.get("revision") or arguments.get("subfolder") or config.get("model_revision")
    iteration = arguments.get("iteration")
    whole = iteration if isinstance(iteration, int) and not isinstance(iteration, bool) else None
    return str(model), None if revision in (None, "") else str(revision), whole


def _made(content: Mapping[str, Any]) -> Made:
    config = _config(content)
    arguments = arguments_of(config)
    limit, dtype = config.get("limit", config.get("max_samples")), config.get("model_dtype") or arguments.get("dtype")
    return Made(
        harness=str(content.get("lm_eval_version") or config.get("lighteval_sha") or ""),
        commit=str(content.get("git_hash") or config.get("model_sha") or ""),
        limit="" if limit is None else f"{limit:g}" if isinstance(limit, int | float) else str(limit),
        dtype=str(dtype or "").removeprefix("torch."),
        peft=str(arguments.get("peft") or arguments.get("delta") or ""),
    )


def _numbers(row: Mapping[str, Any]) -> Iterator[tuple[str, str | None, float, float | None]]:
    """Yield metric, filter, value and standard error of each number of a task; NaN and infinities among the values."""
    for key, value in row.items():
        name, _, filtered = key.partition(",")
        if name.endswith("_stderr") or name in ("alias", "sample_len", "samples", "name"):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            if value is None or isinstance(value, bool) or (isinstance(value, str) and name in _EXPECTED):
                yield name, filtered or None, float("nan"), None
            continue
        error = row.get(f"{name}_stderr" + (f",{filtered}" if filtered else ""))
        yield name, filtered or None, float(value), standard_error(error)


_EXPECTED = ("acc", "acc_norm", "mc1", "mc2")  # what is text here was meant to be a number


def _shots(task: str, content: Mapping[str, Any]) -> int | None:
    told = (content.get("n-shot") or {}).get(task)
    if told is None and "|" in task:
        told = task.split("|")[2 if task.count("|") >= 2 else 1]
    if told is None:
        told = _config(content).get("num_fewshot")
    return int(told) if isinstance(told, int) or (isinstance(told, str) and told.isdigit()) else None


def _version(task: str, content: Mapping[str, Any]) -> str | None:
    told = (content.get("versions") or {}).get(task)
    return None if told in (None, "N/A", "Yaml") else str(told)


def _questions(
    task: str, value: float, stderr: float | None, row: Mapping[str, Any], content: Mapping[str, Any]
) -> int | None:
    counted = (content.get("n-samples") or {}).get(task) or {}
    stated = counted.get("effective", row.get("sample_len"))
    return int(stated) if isinstance(stated, int) else questions_behind(value, stderr)

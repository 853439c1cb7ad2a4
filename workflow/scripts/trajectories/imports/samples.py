"""Single questions of the evaluation harness: `samples_*.jsonl` (`--log_samples`), in v0.4's first layout and today's.

A row has the document, the requests (`arguments`: context and continuation) and the model's answers (`filtered_resps`:
log-likelihood and whether greedy decoding says it). Answers of generation hold texts; of those only whether the harness
counted them right is taken.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajectories.errors import UserError
from trajectories.files import digest
from trajectories.imports.files import text_of
from trajectories.questions.question import Question

ENDINGS = (".jsonl", ".jsonl.gz")
_NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT[\d.:-]+))?\.jsonl(?:\.gz)?")
_RIGHT = ("acc", "exact_match", "em", "mc1")  # the harness's metrics that say whether an answer was right
WRITTEN = {"exact_match": "greedy", "em": "greedy"}  # what written answers, right or wrong, are measured by here
_CALLED = "called right by the harness"


@dataclass(frozen=True)
class Sample:
    """One answered question. `key` tells documents apart; without log-likelihoods `right` alone is known."""

    key: str
    question: Question
    loglikelihood: tuple[float, ...] | None
    is_greedy: tuple[bool, ...] | None
    right: float | None


@dataclass(frozen=True)
class SamplesFile:
    """One file of samples: its task, its time as the harness wrote it into the name, its results file beside it."""

    path: Path
    task: str
    time: str
    results: Path | None


def samples_file(path: Path) -> SamplesFile | None:
    """Return what a file's name says; None where it is no file of samples."""
    named = _NAME.fullmatch(path.name)
    if named is None:
        return None
    time = named["time"] or ""
    beside = sorted(path.parent.glob(f"results*{time}.json")) or sorted(path.parent.glob("results*.json"))
    return SamplesFile(path, named["task"], time, beside[0] if beside else None)


def read_samples(file: SamplesFile, wanted: str | None) -> list[Sample]:
    """Read the samples of one filter: `wanted`, or the only one, or `none`.

    Raises `UserError` naming file and line for a row that is damaged, has no answer, or whose labels do not give what
    the harness counted.
    """
    rows = list(_rows(file.path))
    filters = {str(row.get("filter", "none")) for _, row in rows}
    chosen = wanted or ("none" if "none" in filters or len(filters) > 1 else next(iter(filters), "none"))
    if rows and chosen not in filters:
        have = ", ".join(sorted(filters))
        raise UserError(
            f"{file.path}: no answers of filter {chosen!r}, only of {have}; name one as the task's `filter`"
        )
    samples, delimiter = [], _delimiter(file)
    for line, row in rows:
        if str(row.get("filter", "none")) != chosen:
            continue
        try:
            samples.append(_sample(row, file.task, delimiter))
        except (KeyError, TypeError, ValueError, IndexError, UserError) as error:
            raise UserError(f"{file.path}, line {line}: cannot be read as a sample ({error})") from error
    _check_counts(samples, file)
    return samples


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in enumerate(text_of(path).splitlines(), 1):
        if text.strip():
            try:
                row = json.loads(text)
            except json.JSONDecodeError as error:
                raise UserError(f"{path}, line {line}: cut short or not JSON ({error.msg}); copy it again") from error
            if not isinstance(row, dict) or "resps" not in row:
                raise UserError(f"{path}, line {line}: is no sample of the harness, which has `doc`, `resps`, …")
            yield line, row


def _delimiter(file: SamplesFile) -> str:
    """Return what the harness put before every choice, which it does not count in a choice's length."""
    try:
        told = json.loads(text_of(file.results)) if file.results is not None else {}
        return str(told["configs"][file.task]["target_delimiter"])
    except (json.JSONDecodeError, KeyError, TypeError, UserError):
        return " "  # the harness's default


def _sample(row: Mapping[str, Any], task: str, delimiter: str) -> Sample:
    key = str(row.get("doc_hash") or digest(json.dumps(row["doc"], sort_keys=True)))
    asked = list(_arguments(row["arguments"]))
    answers = [_answer(answer) for answer in row["filtered_resps"]]
    right = next((float(row[name]) for name in _RIGHT if isinstance(row.get(name), int | float)), None)
    if None in answers:
        if right is None:
            raise ValueError("its answers are texts, and nothing says whether they are right")
        return Sample(key, Question(asked[0][0], (_CALLED,), (1,)), None, None, right)
    known = [answer for answer in answers if answer is not None]
    choices = tuple(continuation for _, continuation in asked[: len(known)])
    contexts = tuple(context for context, _ in asked[: len(known)])
    same = len(set(contexts)) == 1
    question = Question(
        contexts[0] if same else "", choices, _labels(row, choices, task), None if same else contexts,
        measured=tuple(choice.removeprefix(delimiter) or choice for choice in choices),
    )  # fmt: skip
    return Sample(key, question, tuple(value for value, _ in known), tuple(greedy for _, greedy in known), right)


def _arguments(arguments: Any) -> Iterator[tuple[str, str]]:
    """Yield context and continuation of each request: a mapping of mappings today, a list of lists at first."""
    for asked in arguments.values() if isinstance(arguments, Mapping) else arguments:
        pair = list(asked.values()) if isinstance(asked, Mapping) else list(asked)
        yield str(pair[0]), str(pair[1]) if len(pair) > 1 else ""


def _answer(answer: Any) -> tuple[float, bool] | None:
    """Return log-likelihood and greedy flag, numbers or their text; None for a generated text."""
    while isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        return float(answer), False
    if not isinstance(answer, list) or len(answer) != 2 or str(answer[1]) not in ("True", "False", "0", "1"):
        return None
    return float(answer[0]), str(answer[1]) in ("True", "1")


def _labels(row: Mapping[str, Any], choices: Sequence[str], task: str) -> tuple[int, ...]:
    """Return which choices are true: as the document lists them (TruthfulQA), else the target's index or text."""
    if len(choices) == 1:
        return (1,)
    listed = (row.get("doc") or {}).get(f"{task.rpartition('_')[2]}_targets")
    if isinstance(listed, Mapping) and len(listed.get("labels", ())) == len(choices):
        return tuple(int(label) for label in listed["labels"])
    target = str(row["target"]).strip()
    numbers = [int(number) for number in re.findall(r"\d+", target)] if re.fullmatch(r"[\[\]\d,\s]+", target) else []
    if len(numbers) == len(choices) > 1 and set(numbers) <= {0, 1}:
        return tuple(numbers)
    if not numbers:
        numbers = [place for place, choice in enumerate(choices) if choice.strip() == target]
    if not numbers or max(numbers) >= len(choices):
        raise ValueError(f"its target {target[:40]!r} is none of its {len(choices)} choices")
    return tuple(int(place in numbers) for place in range(len(choices)))


def _check_counts(samples: Sequence[Sample], file: SamplesFile) -> None:
    """Refuse samples whose labels do not give the accuracy that the harness counted."""
    wrong = [sample for sample in samples if _contradicts(sample)]
    if wrong:
        raise UserError(
            f"{file.path}: the harness counted {len(wrong)} of {len(samples)} samples otherwise than their target "
            f"says, the first: {wrong[0].question.context[-40:]!r}; import the results file instead"
        )


def _contradicts(sample: Sample) -> bool:
    values = sample.loglikelihood
    if values is None or sample.right not in (0.0, 1.0) or len(values) < 2 or sum(sample.question.labels) != 1:
        return False
    return float(sample.question.labels[values.index(max(values))]) != sample.right

"""What else is wrong in a config that is refused, so that its mistakes are told in one run and not one after another.

The wrong parts are taken out; what is then seen of the rest is told too, but for what only follows from the gap.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trajectories.preflight.findings import Findings
from trajectories.preflight.questions import look_at_questions
from trajectories.preflight.stage import look_ahead
from trajectories.study.config import Study
from trajectories.study.strict import EMPTY, mistakes

WITH_DEFAULTS = frozenset({"scoring", "statistics", "figures", "plan", "protocol", "averages", "reference", "data"})
"""Sections that may be left out without another mistake."""

LISTS = frozenset({"tasks", "models"})
"""Sections of which single entries may be left out."""

FOLLOWS = {
    "tasks": ("unknown task", "is no task of this study", "no task of the study", "tasks[", EMPTY),
    "models": ("is a run of the size", "models[", EMPTY),
}
"""What may only be said because an entry of a list was taken out."""

ALONE: Mapping[str, Any] = {
    "study": "alone",
    "checkpoints": {"folder": "none/{model}/step{step}", "tokens_per_step": 1},
    "models": [{"name": "none", "parameters": 1}],
    "steps": [1],
}
"""A study in which a task can be looked at by itself."""


def further_mistakes(config: Mapping[str, Any], said: str, where: str) -> list[str]:
    """Return what is wrong beside `said`, the lines for which `Study.from_config` refused the config."""
    if config.get("import") is not None or not isinstance(config.get("tasks"), list):
        return []
    rest = dict(config) | {"tasks": [task for task in config["tasks"] if not _of_harness(task)]}
    known, gaps = said.splitlines(), {"tasks"} if len(rest["tasks"]) < len(config["tasks"]) else set[str]()
    for _ in range(3):  # single parts first, then what must hold between them, then what is left without settings
        try:
            study = Study.model_validate(rest)
        except ValidationError as error:
            known += [line for line in mistakes(error, where) if line not in known and not _follows(line, gaps)]
            rest, out = _without(rest, error)
            gaps |= out
        else:
            found = look_ahead(study, results=Path("results") / study.study, scratch=Path("none"), on_disk=0)
            return known[len(said.splitlines()) :] + found.mistakes
    return known[len(said.splitlines()) :] + _of_questions(rest)


def _of_harness(task: Any) -> bool:
    return isinstance(task, Mapping) and "harness" in task


def _follows(line: str, gaps: Iterable[str]) -> bool:
    return any(words in line for gap in gaps for words in FOLLOWS.get(gap, ()))


def _without(config: Mapping[str, Any], error: ValidationError) -> tuple[dict[str, Any], set[str]]:
    """Return the config without unknown keys and the parts that are wrong, and the lists that have lost entries.

    Where parts are right and do not fit together, without all settings that have defaults.
    """
    fields = {field.alias or name for name, field in Study.model_fields.items()}
    places = [problem["loc"] for problem in error.errors(include_url=False) if problem["loc"]]
    sections = {str(place[0]) for place in places} & WITH_DEFAULTS if places else WITH_DEFAULTS
    entries = {place[:2] for place in places if place[0] in LISTS and len(place) > 1}
    kept = {key: value for key, value in config.items() if key in fields and key not in sections}
    for key in {str(place[0]) for place in entries}:
        kept[key] = [entry for number, entry in enumerate(config[key]) if (key, number) not in entries]
    return kept, {str(place[0]) for place in entries}


def _of_questions(config: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the questions of each task by itself."""
    findings = Findings()
    for task in config["tasks"]:
        for protocol in ({"protocol": config["protocol"]}, {}) if "protocol" in config else ({},):
            try:
                study = Study.model_validate({**ALONE, "tasks": [task]} | protocol)
            except ValidationError:
                continue
            look_at_questions(study, findings)
            break
    return findings.mistakes

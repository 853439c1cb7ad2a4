"""Which checkpoint of the study a number belongs to, from the names that its file gives."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from trajectories.imports.reading import Reading
from trajectories.imports.steps import TAKEN, step_in, step_in_path
from trajectories.study.config import Study
from trajectories.study.models import Model
from trajectories.study.sources import source_of


@dataclass(frozen=True)
class NotOurs:
    """A number the study has no place for: of which kind it is, and in words why."""

    kind: str
    why: str


@dataclass(frozen=True)
class Checkpoint:
    """A model and a step of the study, and by which owner's name the file called the model (empty: none)."""

    model: Model
    step: int
    owner: str


@dataclass(frozen=True)
class _Named:
    model: Model
    step: int | None
    owner: str = ""


def checkpoint_of(reading: Reading, study: Study, pattern: str | None) -> Checkpoint | NotOurs:
    """Return the checkpoint a number belongs to, or why to none. `pattern` is the user's, over the file's path."""
    if reading.made.peft:
        return NotOurs("fine-tuned models", f"{reading.made.peft} on {reading.model}")
    known = tuple(name for model in study.models for name in (model.name, *model.alias))
    by_path = path_names(str(reading.file), pattern, known) if pattern else {}
    named = _model_of(reading, study, by_path)
    if isinstance(named, NotOurs):
        return named
    step = _step_of(reading, named, study, by_path)
    if step is None:
        said = f"revision {reading.revision!r}" if reading.revision else "no revision"
        return NotOurs(
            "unplaced steps",
            f"{reading.file}: names {said} for model {named.model.name!r}; would be taken: {TAKEN}, "
            "checkpoints.revision, or `import.name` over the path",
        )
    if step not in study.steps_of(named.model):
        return NotOurs("other steps", f"{named.model.name} step {step}")
    return Checkpoint(named.model, step, named.owner)


def path_names(path: str, pattern: str, models: tuple[str, ...] = ()) -> Mapping[str, str]:
    """Return `model` and `step` as a pattern such as `{model}/**/step{step}.json` finds them at the end of a path.

    A part of the path is taken for the model if it is one of `models`; where none are given, the first that fits.
    """
    found = _path_regex(pattern, models).search(path) or _path_regex(pattern, ()).search(path)
    return {} if found is None else {name: value for name, value in found.groupdict().items() if value}


@cache
def _path_regex(pattern: str, models: tuple[str, ...]) -> re.Pattern[str]:
    parts = re.split(r"(\{model\}|\{step\}|\*\*/|\*\*|\*)", pattern)
    written = _IN_PATHS | ({"{model}": f"(?P<model>{'|'.join(map(re.escape, models))})"} if models else {})
    return re.compile(rf"(?:^|/){''.join(written.get(part, re.escape(part)) for part in parts)}$")


_IN_PATHS = {
    "{model}": r"(?P<model>[^/]+?)", "{step}": r"0*(?P<step>\d+)", "**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*",
}  # fmt: skip


def _model_of(reading: Reading, study: Study, by_path: Mapping[str, str]) -> _Named | NotOurs:
    if reading.model:
        for model in study.models:
            if (named := _called(reading.model, model, study)) is not None:
                return named
        if (other := _another_owner(reading.model, study)) is not None:
            return other
    if "model" in by_path:
        for model in study.models:
            if by_path["model"] in (model.name, *model.alias):
                return _Named(model, None)
    if not reading.model and not by_path:
        return NotOurs("files without a model", f"{reading.file}: names no model; say where it is with `import.name`")
    said = reading.model or by_path.get("model", "")
    return NotOurs("other models", said)


def _called(said: str, model: Model, study: Study) -> _Named | None:
    """Return the model if `said` names it: its repository, an alias, its folder, a path with its name, its name."""
    hub, folder = source_of(model, study.checkpoints)
    owner = said.rpartition("/")[0] if _is_repository(said) else ""
    if said in model.alias or said.rpartition("/")[2] in model.alias:
        return _Named(model, None, owner)
    for pattern in filter(None, (hub, folder)):
        if (found := _regex(pattern, model.name).fullmatch(said)) is not None:
            return _Named(model, _number_of(found), owner)
    if _is_repository(said):
        name = said.rpartition("/")[2]
        owned = hub is not None and "/" in hub
        return _Named(model, None, owner) if name == model.name and not owned else None
    if folder is not None and (found := _regex(folder, model.name, anywhere=True).search(said)) is not None:
        return _Named(model, _number_of(found))
    ours = re.compile(rf"{re.escape(model.name)}(?:[-_.](?:step|checkpoint|ckpt|iter|global_step)[-_]?\d+)?")
    return _Named(model, None) if any(ours.fullmatch(part) for part in PurePosixPath(said).parts) else None


def _another_owner(said: str, study: Study) -> NotOurs | None:
    names = {model.name for model in study.models}
    if _is_repository(said) and said.rpartition("/")[2] in names:
        return NotOurs("models of other owners", said)
    return None


def _is_repository(said: str) -> bool:
    """Whether a name can be a repository on the hub: an owner and a name, nothing that tells of a folder."""
    return (
        re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", said) is not None
        and step_in_path([said.rpartition("/")[2]]) is None
    )


def _step_of(reading: Reading, named: _Named, study: Study, by_path: Mapping[str, str]) -> int | None:
    if reading.revision is not None and reading.revision != "main":
        pattern = named.model.revision or study.checkpoints.revision
        found = _regex(pattern, named.model.name).fullmatch(reading.revision)
        return _number_of(found) if found is not None else step_in(reading.revision)
    for step in (reading.iteration, named.step, _step_in_name(reading.model)):
        if step is not None:
            return step
    if "step" in by_path:
        return int(by_path["step"])
    return study.checkpoints.main_is


def _step_in_name(said: str) -> int | None:
    parts = PurePosixPath(said).parts
    return step_in_path(parts[-1:] if _is_repository(said) else parts)


@cache
def _regex(pattern: str, model: str, anywhere: bool = False) -> re.Pattern[str]:
    """Return a pattern of the config as an expression that finds the step; `anywhere`: at the end of a longer path."""
    pieces = re.split(r"\{(model|step|tokens)(?::[^}]*)?\}", pattern.rstrip("/"))
    seen: set[str] = set()
    written = ""
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            written += re.escape(piece)
        elif piece == "model":
            written += re.escape(model)
        elif piece in seen:
            written += rf"(?P={piece})"
        else:
            seen.add(piece)
            written += r"0*(?P<step>\d+)" if piece == "step" else r"(?P<tokens>[^/]+?)"
    return re.compile(rf"(?:^|/){written}/?$" if anywhere else f"{written}/?")


def _number_of(found: re.Match[str]) -> int | None:
    step = found.groupdict().get("step")
    return int(step) if step else None

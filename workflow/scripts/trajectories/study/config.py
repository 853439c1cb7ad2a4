"""The study: one strict config, checked whole before anything runs."""

import math
import re
import string
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, WithJsonSchema, model_validator

from trajectories.errors import UserError
from trajectories.files import canonical_json, digest
from trajectories.questions.catalogue import known_tasks
from trajectories.questions.task import Task
from trajectories.study.metrics import Metric
from trajectories.study.names import Name
from trajectories.study.protocol import Protocol, as_protocol
from trajectories.study.steps import Steps
from trajectories.study.strict import Strict, suggestion

DTYPES = Literal["float32", "float16", "bfloat16"]


def _count(value: Any) -> Any:
    """Turn 1.4e9, also where YAML read it as text, into a whole number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a number such as 70e6") from None
    if not math.isfinite(number) or number <= 0 or number != int(number):
        raise ValueError(f"{value!r} must be a positive whole number such as 70e6")
    return int(number)


def _pattern(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    allowed = {"model", "step", "tokens"}
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(value) if field is not None]
    except ValueError as error:
        raise ValueError(f"{value!r} is not a pattern: {error}") from None
    for field in fields:
        if field not in allowed:
            raise ValueError(f"{value!r} has the unknown part {{{field}}}; allowed are {{model}}, {{step}}, {{tokens}}")
    return value


_COUNT_SCHEMA = {"type": ["number", "string"], "description": "A positive whole number, such as 70e6."}
Count = Annotated[PositiveInt, BeforeValidator(_count), WithJsonSchema(_COUNT_SCHEMA)]
Pattern = Annotated[str, BeforeValidator(_pattern)]


class Model(Strict):
    """One training run. The optional keys override the suite's for this model alone."""

    name: Name
    parameters: Count = Field(description="Nominal parameter count; the regression uses its log10.")
    label: str = ""
    exact_parameters: Count | None = Field(None, description="Exact count, for the sensitivity analysis.")
    embedding_parameters: Count | None = Field(None, description="How many of the exact count are embeddings.")
    hub: Pattern | None = None
    folder: Pattern | None = None
    revision: Pattern | None = None
    tokens_per_step: Count | None = None
    tokenizer: str | None = None
    steps: Steps | None = None


class Mirror(Strict):
    """Another place where a suite's checkpoints lie; a repository's name alone stands for `{hub: …}`."""

    hub: Pattern | None = Field(None, description="Repository on the hub, e.g. owner/{model}-v1.")
    folder: Pattern | None = Field(None, description="Local folder, e.g. path/{model}/step{step}.")
    revision: Pattern | None = Field(None, description="Branch of a step there; null: as in the suite.")

    @model_validator(mode="after")
    def _one_place(self) -> "Mirror":
        if (self.hub is None) == (self.folder is None):
            raise ValueError("a mirror is either a repository (`hub`) or a folder (`folder`)")
        if self.folder is not None and "{step}" not in self.folder:
            raise ValueError(f"{self.folder!r} has no {{step}}; every step needs a folder of its own")
        return self


def _mirror(value: Any) -> Any:
    return {"hub": value} if isinstance(value, str) else value


class Checkpoints(Strict):
    """Where the suite's checkpoints are and what is done with them."""

    hub: Pattern | None = Field(None, description="Repository on the hub, e.g. EleutherAI/{model}.")
    folder: Pattern | None = Field(None, description="Local folder, e.g. path/{model}/step{step}.")
    revision: Pattern = Field("step{step}", description="Branch of a step on the hub.")
    tokens_per_step: Count = 2_097_152
    tokenizer: str | None = Field(
        None, description="Hub repository (optionally @revision) or folder; null: each model's last checkpoint's own."
    )
    anomalies: Literal["stop", "recover", "exclude", "keep"] = Field(
        "stop", description="What to do with checkpoints the audit finds wrong."
    )
    recover_depth: PositiveInt = Field(
        20, description="With anomalies: recover, how many earlier commits of each wrong branch are looked at."
    )
    mirrors: list[Annotated[Mirror, BeforeValidator(_mirror)]] = Field(
        [], description="With anomalies: recover, other places that may hold the right weights, in this order."
    )
    compare: Literal["used", "all"] = Field(
        "used", description="Compare the study's steps with each other, main and the last step, or with every branch."
    )
    keep: bool = Field(False, description="Keep downloaded checkpoints after scoring.")
    scratch: str | None = Field(
        None, description="Folder for downloaded checkpoints; null: results/<study>/checkpoints."
    )
    hub_cache: bool = Field(False, description="Look into the user's own hub cache before downloading.")


class Scoring(Strict):
    """How checkpoints are run; `dtype` changes numbers, the rest only speed."""

    dtype: DTYPES = "float32"
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$", description="auto, cpu, cuda or cuda:N")
    pack_tokens: PositiveInt | Literal["auto"] = Field("auto", description="Tokens of the tree in one forward pass.")
    attention: Literal["auto", "sdpa", "flex"] = "auto"


class Statistics(Strict):
    """What the analysis does with the accuracies."""

    metrics: dict[Name, Metric] = Field({}, description="Metric of a task in the regression, where not its record's.")
    alpha: float = Field(0.05, gt=0, lt=1)
    seed: int = Field(1, ge=0)
    resamples: PositiveInt = 2000
    serial: Literal["auto"] | Annotated[float, Field(ge=0, le=0.95)] = Field(
        "auto", description="Correlation of the noise of neighbouring checkpoints; auto: estimated, all trajectories."
    )
    from_tokens: float = Field(0, ge=0, description="Leave out checkpoints that have seen fewer tokens (warm-up).")


class Figures(Strict):
    """How figures are drawn."""

    bands: bool = Field(True, description="Draw standard errors as bands.")
    columns: Literal[1, 2] = Field(2, description="Width in columns of a two-column page.")


class Plan(Strict):
    """What `snakemake plan` assumes."""

    device: str | None = Field(None, description="H200, H100, A100, L40S, L4, …, CPU; null: what is found here.")
    network_mb_per_s: float = Field(100, gt=0, description="Megabytes a second from the hub.")


class Import(Strict):
    """Accuracies made elsewhere, which enter instead of scoring."""

    format: Literal["harness-json", "tsv", "published"]
    path: str | None = Field(None, description="File or folder; `published` may leave it out and is then fetched.")


class Pocket(Strict):
    """The demo's suite of small models, trained before it is studied."""

    seed: int = Field(1, ge=0)


class Tokenizer(Strict):
    """Where a tokenizer is: at `location` (folder, or repository with optional @revision), or with a model's own
    checkpoints."""

    name: Name
    location: str | None = None
    model: Name | None = None


class Study(Strict):
    """The whole config. `Study.from_config` is how everything gets one."""

    study: Name = Field(description="Name of the study; results go to results/<study>/.")
    checkpoints: Checkpoints = Checkpoints()
    models: list[Model] = Field(min_length=1)
    steps: Steps
    tasks: list[Task] = Field(min_length=1)
    protocol: Annotated[Protocol, BeforeValidator(as_protocol)] = Protocol()
    scoring: Scoring = Scoring()
    statistics: Statistics = Statistics()
    figures: Figures = Figures()
    plan: Plan = Plan()
    pocket: Pocket | None = None
    imported: Import | None = Field(None, alias="import")
    reference: Name | None = Field(None, description="`published`, or another study's name, to compare with.")
    data: str | None = Field(None, description="Folder with the paper's published accuracies; null: fetched.")

    @classmethod
    def from_config(cls, config: dict[str, Any], where: str = "config") -> "Study":
        """Check a config as read from YAML. Raises `UserError`: one line with key, value and cure."""
        if not isinstance(config, dict):
            raise UserError(f"{where}: is not a mapping of keys to values")
        resolved = dict(config)
        resolved["tasks"] = _resolve_tasks(config.get("tasks"), where)
        return cls.checked(resolved, where)

    @model_validator(mode="after")
    def _names_once(self) -> "Study":
        for key, names in (("models", [m.name for m in self.models]), ("tasks", [t.name for t in self.tasks])):
            twice = [name for index, name in enumerate(names) if name in names[:index]]
            if twice:
                raise ValueError(f"{key}: the name {twice[0]!r} is there twice; names must differ")
        return self

    @model_validator(mode="after")
    def _sources(self) -> "Study":
        for model in self.models if self.imported is None else []:
            hub, folder = source_of(model, self.checkpoints)
            if (hub is None) == (folder is None):
                raise ValueError(f"model {model.name!r}: give either checkpoints.hub or checkpoints.folder")
            if folder is not None and "{step}" not in folder:
                raise ValueError(
                    f"checkpoints.folder: {folder!r} has no {{step}}; every step needs a folder of its own"
                )
        return self

    @model_validator(mode="after")
    def _metrics_of_tasks(self) -> "Study":
        tasks = {task.name for task in self.tasks}
        for name in self.statistics.metrics:
            if name not in tasks:
                raise ValueError(f"statistics.metrics: unknown task {name!r}{suggestion(name, tasks)}")
        return self

    def steps_of(self, model: Model) -> tuple[int, ...]:
        """Return the steps of `model` in this study."""
        return model.steps if model.steps is not None else self.steps

    @property
    def trees(self) -> tuple[str, ...]:
        """Names of the prefix trees: tasks of one group share one."""
        return tuple(dict.fromkeys(task.tree for task in self.tasks))

    def tokenizer_of(self, model: Model) -> Tokenizer:
        """Return where the tokenizer of `model` is: its own, the suite's, or that of its own checkpoints."""
        location = model.tokenizer or self.checkpoints.tokenizer
        if location is not None:
            return Tokenizer(name=_slug(location), location=location)
        return Tokenizer(name=f"of-{model.name}", model=model.name)

    @property
    def tokenizers(self) -> tuple[Tokenizer, ...]:
        """Every tokenizer of the study once, in the order of its models."""
        return tuple(dict.fromkeys(self.tokenizer_of(model) for model in self.models))

    def task(self, name: str) -> Task:
        """Return the task of that name."""
        return next(task for task in self.tasks if task.name == name)

    def model(self, name: str) -> Model:
        """Return the model of that name."""
        return next(model for model in self.models if model.name == name)

    def metric_of(self, task: Task) -> Metric:
        """Return the metric that stands for `task` in the regression and the main figure."""
        return self.statistics.metrics.get(task.name, task.metric)

    def section(self, *keys: str) -> str:
        """Return parts of the config as canonical JSON: what a rule's `params` hold, so that only they re-run it."""
        whole = self.model_dump(mode="json", by_alias=True)
        return canonical_json({key: whole[key] for key in keys})


def source_of(model: Model, suite: Checkpoints) -> tuple[str | None, str | None]:
    """Return (hub, folder) of a model: its own where it has one, else the suite's."""
    if model.hub or model.folder:
        return model.hub, model.folder
    return suite.hub, suite.folder


def _slug(location: str) -> str:
    """Return a name for a folder or repository that is safe as a path component and differs for each."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", location).strip("-.")[-40:].lstrip("-._")
    return f"{readable or 'tokenizer'}-{digest(location)[:8]}".replace("..", "-")


def _resolve_tasks(tasks: Any, where: str) -> Any:
    """Replace task names by their catalogue records; `{task: name, key: value}` changes keys of a known record."""
    if not isinstance(tasks, list):
        return tasks
    known = known_tasks()
    return [_resolve_task(item, known, f"{where}: tasks[{index}]") for index, item in enumerate(tasks)]


def _resolve_task(item: Any, known: dict[str, Task], where: str) -> Any:
    if isinstance(item, str):
        item = {"task": item}
    if isinstance(item, dict) and "task" in item:
        base = item["task"]
        if not isinstance(base, str) or base not in known:
            raise UserError(f"{where}: {base!r} is not a known task{suggestion(str(base), set(known))}")
        item = known[base].model_dump(exclude_defaults=True) | {k: v for k, v in item.items() if k != "task"}
    if isinstance(item, dict):
        task = Task.checked(item, where)
        if task.file is not None and not Path(task.file).is_file():
            raise UserError(f"{where}: file {task.file!r} does not exist")
        return task
    raise UserError(f"{where}: {item!r} is neither a task's name nor a record")
